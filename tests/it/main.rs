//! Everything that is tested through the public interface, a file per behaviour.

mod sqlite;
mod stores;
