//! Which columns a segment's records have, and how their values are cut out.
//!
//! Every segment tells its columns by name and type. Records name a column by
//! its place in that table, so columns may come, go and move between versions
//! of the crate: what is not known any more is skipped by its width.

use std::sync::LazyLock;

use crate::event::{Column, ColumnType};

/// Records name a column by one byte.
const MAX_COLUMNS: usize = 256;
const _: () = assert!(Column::all().len() <= MAX_COLUMNS);

/// The columns of a segment's records.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// A check of the whole table, by which frames name it.
    pub(super) hash: u32,
    places: Vec<Place>,
}

/// What stands at one place of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The bytes of a value; `None` if each value is preceded by its length.
    pub(super) width: Option<u8>,
    /// The column of today, unless there is none of this name and type.
    pub(super) column: Option<&'static Column>,
}

/// The table of today's columns, as it is written into segments.
pub(super) struct Table {
    pub(super) bytes: Vec<u8>,
    pub(super) hash: u32,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let columns = Column::all();
    let mut bytes = (columns.len() as u16).to_le_bytes().to_vec();
    for column in columns {
        let (code, width) = code_and_width(column.column_type());
        bytes.push(column.name().len() as u8);
        bytes.extend_from_slice(column.name().as_bytes());
        bytes.extend_from_slice(&[code, width]);
    }
    let hash = crc32c::crc32c(&bytes);
    Table { bytes, hash }
});

/// The table of today's columns.
pub(super) fn table() -> &'static Table {
    &TABLE
}

/// The type's number on disk, and the bytes of a value; 0 where these vary. Never changed, only added to.
const fn code_and_width(column_type: ColumnType) -> (u8, u8) {
    match column_type {
        ColumnType::Uuid => (1, 16),
        ColumnType::Time => (2, 8),
        ColumnType::Text => (3, 0),
        ColumnType::Bool => (4, 1),
        // As wide as a large one, so that a column may grow.
        ColumnType::SmallInt | ColumnType::BigInt => (5, 8),
        ColumnType::Real => (6, 8),
        ColumnType::TextList => (7, 0),
        ColumnType::Json => (8, 0),
        ColumnType::Ip => (9, 0),
    }
}

impl Layout {
    /// Today's layout.
    pub(super) fn current() -> Self {
        Self::parse(&table().bytes).expect("the table was written by the function above")
    }

    /// Reads a table; `None` if it is none.
    pub(super) fn parse(table: &[u8]) -> Option<Self> {
        let (count, mut rest) = table.split_first_chunk()?;
        let count = usize::from(u16::from_le_bytes(*count));
        if count > MAX_COLUMNS {
            return None;
        }
        let mut places = Vec::with_capacity(count);
        for _ in 0..count {
            let (length, tail) = rest.split_first()?;
            let (name, tail) = tail.split_at_checked((*length).into())?;
            let ([code, width], tail) = tail.split_first_chunk()?;
            rest = tail;
            places.push(Place {
                width: (*width != 0).then_some(*width),
                column: known(name, *code, *width),
            });
        }
        rest.is_empty().then(|| Self {
            hash: crc32c::crc32c(table),
            places,
        })
    }

    pub(super) fn place(&self, index: u8) -> Option<Place> {
        self.places.get(usize::from(index)).copied()
    }
}

/// The column of this name, if its values are still what they were.
fn known(name: &[u8], code: u8, width: u8) -> Option<&'static Column> {
    let column = Column::named(str::from_utf8(name).ok()?)?;
    (code_and_width(column.column_type()) == (code, width)).then_some(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_s_table_knows_every_column_at_its_place() {
        let layout = Layout::current();
        for (index, column) in (0..).zip(Column::all()) {
            let found = layout.place(index).unwrap().column.unwrap();
            assert_eq!(found.name(), column.name());
        }
        assert_eq!(layout.hash, table().hash);
    }

    #[test]
    fn a_column_of_another_name_type_or_width_is_not_known() {
        let table = b"\x04\x00\x02id\x01\x10\x03ids\x01\x10\x02id\x03\x00\x02id\x01\x08";
        let layout = Layout::parse(table).unwrap();
        let known: Vec<_> = (0..4)
            .map(|index| layout.place(index).unwrap().column.is_some())
            .collect();
        assert_eq!(known, [true, false, false, false]);
    }

    #[test]
    fn a_table_that_breaks_off_or_goes_on_is_none() {
        let bytes = &table().bytes;
        for end in 0..bytes.len() {
            assert!(Layout::parse(&bytes[..end]).is_none());
        }
        assert!(Layout::parse(&[bytes, &[0][..]].concat()).is_none());
        assert!(Layout::parse(&[0xff, 0xff]).is_none());
    }
}
