//! What a reader may ask of the trail, and what it gets.

mod condition;
mod count;
mod cursor;
mod dimension;
mod filter;
mod page;
mod series;
mod statistics;

pub use condition::{Condition, Test};
pub use count::{Accuracy, Count};
pub use cursor::Cursor;
pub use dimension::Dimension;
pub use filter::{Except, Filter};
pub use page::{Page, PageRequest, Window};
pub use series::{Point, Series, SeriesGroup, SeriesQuery};
pub use statistics::{Group, Latency, Statistics, StatsOrder, StatsQuery, Totals};
