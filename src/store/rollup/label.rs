//! What sums are told apart by.

/// The value that some records have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::store) enum Label<T = String> {
    /// This one.
    Value(T),
    /// None at all. Also that of all records together.
    Missing,
    /// Any of those that are not kept apart.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code) // a store in memory keeps all apart
    )]
    Other,
}
