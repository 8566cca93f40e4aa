//! Sums over the events that pass a filter: all together, and over time.

use std::time::Duration;

use axum::Json;
use axum::http::Uri;

use super::filter_params::{duration, number};
use super::params::{self, Parameter};
use super::problem::Problem;
use super::scoped::Scoped;
use crate::query::{Dimension, Series, SeriesQuery, Statistics, StatsOrder, StatsQuery};
use crate::{AuditReader, Filter};

/// The time that is summed up unless asked for otherwise.
const DEFAULT_TIME: Duration = Duration::from_secs(86_400);

pub(super) async fn stats(trail: Scoped, uri: Uri) -> Result<Json<Statistics>, Problem> {
    let mut draft = StatsDraft::default();
    let filter = recent(params::read(&uri, STATS, &mut draft)?);
    let mut query = StatsQuery::new(filter).order(draft.order);
    if let Some(by) = draft.by {
        query = query.by(by);
    }
    if let Some(top) = draft.top {
        query = query.top(top)?;
    }
    Ok(Json(trail.stats(&query).await?))
}

pub(super) async fn timeseries(trail: Scoped, uri: Uri) -> Result<Json<Series>, Problem> {
    let mut draft = SeriesDraft::default();
    let filter = recent(params::read(&uri, SERIES, &mut draft)?);
    let mut query = SeriesQuery::new(filter);
    if let Some(by) = draft.by {
        query = query.by(by);
    }
    if let Some(top) = draft.top {
        query = query.top(top)?;
    }
    if let Some(bucket) = draft.bucket {
        query = query.bucket(bucket)?;
    }
    match trail.timeseries(&query).await {
        Ok(series) => Ok(Json(series)),
        Err(error) if error.parameter() == Some("bucket") => {
            let most = SeriesQuery::MAX_BUCKETS;
            let what = format!("is too short: the time has more than {most} of it");
            Err(params::problem("bucket", &what))
        }
        Err(error) => Err(error.into()),
    }
}

/// The filter, for the last day if it says nothing about time.
fn recent(filter: Filter) -> Filter {
    if filter.has_time() {
        return filter;
    }
    filter.last(DEFAULT_TIME)
}

#[derive(Default)]
struct StatsDraft {
    by: Option<Dimension>,
    top: Option<u16>,
    order: StatsOrder,
}

#[derive(Default)]
struct SeriesDraft {
    by: Option<Dimension>,
    top: Option<u16>,
    bucket: Option<Duration>,
}

const DIMENSION: &str = "one of `kind`, `category`, `action`, `outcome`, `method`, `route`, `status_class`, \
     `tenant_id`, `status`, `error_code`, `actor_id`, `resource_type`, `country`, `browser`, `os` and `device`";

const STATS: &[Parameter<StatsDraft>] = &[
    Parameter {
        name: "by",
        takes: DIMENSION,
        repeats: false,
        read: |draft, text| {
            draft.by = Some(text.parse().ok()?);
            Some(())
        },
    },
    Parameter {
        name: "top",
        takes: "a whole number from 1 to 100",
        repeats: false,
        read: |draft, text| {
            draft.top = Some(up_to(text, StatsQuery::MAX_TOP)?);
            Some(())
        },
    },
    Parameter {
        name: "order",
        takes: "`events`, `failures` or `p95`",
        repeats: false,
        read: |draft, text| {
            draft.order = match text {
                "events" => StatsOrder::Events,
                "failures" => StatsOrder::Failures,
                "p95" => StatsOrder::P95,
                _ => return None,
            };
            Some(())
        },
    },
];

const SERIES: &[Parameter<SeriesDraft>] = &[
    Parameter {
        name: "by",
        takes: DIMENSION,
        repeats: false,
        read: |draft, text| {
            draft.by = Some(text.parse().ok()?);
            Some(())
        },
    },
    Parameter {
        name: "top",
        takes: "a whole number from 1 to 20",
        repeats: false,
        read: |draft, text| {
            draft.top = Some(up_to(text, SeriesQuery::MAX_TOP)?);
            Some(())
        },
    },
    Parameter {
        name: "bucket",
        takes: "a whole number of seconds, minutes, hours or days, such as `30s`, `5m`, `1h` or `1d`, up to 366 days",
        repeats: false,
        read: |draft, text| {
            let length = duration(text)?;
            let allowed = SeriesQuery::MIN_BUCKET..=SeriesQuery::MAX_BUCKET;
            let is_allowed = allowed.contains(&length) && length.subsec_nanos() == 0;
            draft.bucket = is_allowed.then_some(length);
            draft.bucket.map(drop)
        },
    },
];

fn up_to(text: &str, max: u16) -> Option<u16> {
    let number = number(text)?.try_into().ok()?;
    (1..=max).contains(&number).then_some(number)
}
