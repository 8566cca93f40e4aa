//! The thread that a writer lives on.

use std::thread;

use super::worker::Writer;
use crate::Error;

/// Runs a writer on its own thread with its own runtime, so that it goes on
/// whatever happens to the application's.
///
/// # Errors
/// If the system gives no thread or no I/O driver.
pub(super) fn spawn(writer: Writer) -> Result<(), Error> {
    let unable =
        |message: &'static str, error: std::io::Error| Error::unavailable(message).caused_by(error);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| unable("the audit writer's runtime cannot be made", error))?;
    thread::Builder::new()
        .name("tower-audit".to_owned())
        .spawn(move || {
            runtime.block_on(writer.run());
            // A store's blocking call that hangs must not hold the thread.
            runtime.shutdown_background();
        })
        .map_err(|error| unable("the audit writer's thread cannot be started", error))?;
    Ok(())
}
