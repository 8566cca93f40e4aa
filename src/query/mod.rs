//! What a reader may ask of the trail, and what it gets.

mod cursor;
mod filter;
mod page;

pub use cursor::Cursor;
pub use filter::{Condition, Filter, Test};
pub use page::{Page, PageRequest, Window};
