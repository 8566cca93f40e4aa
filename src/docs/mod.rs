//! Pages for those who run a trail; there is no code here.

#[doc = include_str!("metrics.md")]
pub mod metrics {}

#[doc = include_str!("operations.md")]
pub mod operations {}
