//! What a list can be asked for besides its filter.

use axum::http::Uri;

use super::filter_params::number;
use super::params::{self, Parameter};
use super::problem::Problem;
use crate::{Cursor, Filter, PageRequest};

/// What a query string asks for.
pub(super) struct List {
    pub(super) filter: Filter,
    pub(super) page: PageRequest,
    pub(super) count: bool,
}

pub(super) fn read(uri: &Uri) -> Result<List, Problem> {
    let mut draft = Draft::default();
    let filter = params::read(uri, LIST, &mut draft)?;
    let page = match draft.cursor {
        Some(cursor) => draft.page.cursor(cursor),
        None => draft.page,
    };
    let count = draft.count;
    Ok(List {
        filter,
        page,
        count,
    })
}

#[derive(Default)]
struct Draft {
    page: PageRequest,
    cursor: Option<Cursor>,
    count: bool,
}

const LIST: &[Parameter<Draft>] = &[
    Parameter {
        name: "limit",
        takes: "a whole number from 1 to 500",
        repeats: false,
        read: |draft, text| {
            draft.page = PageRequest::new(number(text)?.try_into().ok()?).ok()?;
            Some(())
        },
    },
    Parameter {
        name: "cursor",
        takes: "a `next_cursor` or `prev_cursor` as it was given",
        repeats: false,
        read: |draft, text| {
            draft.cursor = Some(text.parse().ok()?);
            Some(())
        },
    },
    Parameter {
        name: "count",
        takes: "`true` or `false`",
        repeats: false,
        read: |draft, text| {
            draft.count = text.parse().ok()?;
            Some(())
        },
    },
];
