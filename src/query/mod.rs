//! What a reader may ask of the trail, and what it gets.

mod condition;
mod count;
mod cursor;
mod dimension;
mod filter;
mod page;
mod scope;
pub(crate) mod search;
mod series;
mod statistics;
mod timeline;

pub use condition::{Condition, Test};
pub use count::{Accuracy, Count};
pub use cursor::Cursor;
pub(crate) use cursor::Direction;
pub use dimension::Dimension;
pub use filter::{Except, Filter};
pub use page::{Page, PageRequest, Window};
pub use scope::Scope;
pub use series::{Point, Series, SeriesGroup, SeriesQuery};
pub use statistics::{Group, Latency, Statistics, StatsOrder, StatsQuery, Totals};
pub use timeline::{Link, Timeline};
