//! What a reader may ask of the trail, and what it gets.

mod condition;
mod count;
mod cursor;
mod filter;
mod page;
mod scope;
mod timeline;

pub use condition::{Condition, Test};
pub use count::{Accuracy, Count};
pub use cursor::Cursor;
pub(crate) use cursor::Direction;
pub use filter::{Except, Filter};
pub use page::{Page, PageRequest, Window};
pub use scope::Scope;
pub use timeline::{Link, Timeline};
