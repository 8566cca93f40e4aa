//! What an export can be asked for besides its filter.

use axum::http::Uri;

use super::super::params::{self, Parameter};
use super::super::problem::Problem;
use crate::query::Direction;
use crate::{Cursor, Filter};

/// How the file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Csv,
    Json,
    Ndjson,
}

/// What a query string asks for.
pub(super) struct Asked {
    pub(super) filter: Filter,
    pub(super) format: Format,
    pub(super) cursor: Option<Cursor>,
}

pub(super) fn read(uri: &Uri) -> Result<Asked, Problem> {
    let mut draft = Draft::default();
    let filter = params::read(uri, EXPORT, &mut draft)?;
    Ok(Asked {
        filter,
        format: draft.format,
        cursor: draft.cursor,
    })
}

#[derive(Default)]
struct Draft {
    format: Format,
    cursor: Option<Cursor>,
}

const EXPORT: &[Parameter<Draft>] = &[
    Parameter {
        name: "format",
        takes: "`csv`, `json` or `ndjson`",
        repeats: false,
        read: |draft, text| {
            draft.format = match text {
                "csv" => Format::Csv,
                "json" => Format::Json,
                "ndjson" => Format::Ndjson,
                _ => return None,
            };
            Some(())
        },
    },
    Parameter {
        name: "cursor",
        takes: "the `id` of the last event that came, or a `next_cursor` as it was given",
        repeats: false,
        read: |draft, text| {
            draft.cursor = Some(cursor(text)?);
            Some(())
        },
    },
];

fn cursor(text: &str) -> Option<Cursor> {
    match text.parse::<Cursor>() {
        Ok(cursor) => (cursor.direction == Direction::Older).then_some(cursor),
        Err(_) => text.parse().ok().map(Cursor::older_than),
    }
}
