//! The quickstart example as its user sees it: started as a program, used
//! over HTTP, stopped by a signal.

mod load;
pub(crate) mod program;
mod sentences;
mod story;
