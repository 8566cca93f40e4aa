//! What a reader may ask of the trail, and what it gets.

mod condition;
mod count;
mod cursor;
mod filter;
mod page;
pub(crate) mod search;

pub use condition::{Condition, Test};
pub use count::{Accuracy, Count};
pub use cursor::Cursor;
pub use filter::{Except, Filter};
pub use page::{Page, PageRequest, Window};
