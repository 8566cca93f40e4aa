//! Sums over events, and over time.

use serde_json::{Value as Json, json};
use tower_audit::Timestamp;
use tower_audit::event::Value;

use super::{get, open, record, store_of, text, three, time};

#[tokio::test]
async fn statistics_have_their_totals_and_the_foremost_groups() {
    let at = |second: i64| Timestamp::from_micros(1_709_208_000_000_000 + second * 1_000_000);
    let made = |second, route, status, duration| {
        let columns = [
            ("route", text(route)),
            ("status", Value::Int(status)),
            ("success", Value::Bool(status < 400)),
            ("duration_us", Value::Int(duration)),
        ];
        record(at(second), &columns)
    };
    let router = open(
        &store_of(vec![
            made(0, "/a", 200, 10),
            made(1, "/a", 500, 30),
            made(2, "/b", 500, 20),
            record(at(3), &[("sample_weight", Value::Real(5.0))]),
        ])
        .await,
    );
    let answer = get(&router, "/api/stats?last=36500d&by=route&order=p95&top=2").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let latency = |avg: f64, min, max, median| json!({"avg_us": avg, "min_us": min, "max_us": max, "p50_us": median, "p95_us": max, "p99_us": max});
    let expected = json!({
        "totals": {"events": 8.0, "failures": 2.0, "flagged": 0.0, "latency": latency(20.0, 10, 30, 20)},
        "groups": [
            {"value": "/a", "events": 2.0, "failures": 1.0, "flagged": 0.0, "latency": latency(20.0, 10, 30, 10)},
            {"value": "/b", "events": 1.0, "failures": 1.0, "flagged": 0.0, "latency": latency(20.0, 20, 20, 20)},
        ],
        "has_more_groups": true,
        "scanned_until": null,
    });
    assert_eq!(answer.json(), expected);
    let answer = get(&router, "/api/stats?from=2024-02-29T12:00:00Z&status=5xx").await;
    assert_eq!(answer.json()["totals"]["events"], 2.0);
}

#[tokio::test]
async fn a_series_has_every_bucket_of_its_time() {
    let router = open(&three().await);
    let path =
        "/api/timeseries?from=2024-02-29T11:59:00Z&to=2024-02-29T12:03:00Z&bucket=1m&by=kind&top=2";
    let answer = get(&router, path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json = answer.json();
    let events = |points: &Json| -> Vec<(String, f64)> {
        let points = points.as_array().unwrap();
        let point = |point: &Json| {
            let start = point["start"].as_str().unwrap();
            (start[14..16].to_owned(), point["events"].as_f64().unwrap())
        };
        points.iter().map(point).collect()
    };
    let expected = |counts: [f64; 4]| -> Vec<(String, f64)> {
        let minutes = ["59", "00", "01", "02"].map(str::to_owned);
        minutes.into_iter().zip(counts).collect()
    };
    assert_eq!(json["bucket_seconds"], 60);
    assert_eq!(events(&json["points"]), expected([0.0, 1.0, 1.0, 1.0]));
    assert_eq!(json["groups"][0]["value"], "auth");
    assert_eq!(
        events(&json["groups"][0]["points"]),
        expected([0.0, 0.0, 1.0, 0.0])
    );
    assert_eq!(json["groups"][1]["value"], "http");
    assert_eq!(json["has_more_groups"], true);
}

#[tokio::test]
async fn without_a_time_it_is_the_last_day() {
    let now = Timestamp::now();
    let router = open(
        &store_of(vec![
            record(now.plus_days(-2), &[]),
            record(time("2024-02-29T12:00:00Z"), &[]),
            record(now, &[]),
        ])
        .await,
    );
    let stats = get(&router, "/api/stats").await.json();
    assert_eq!(stats["totals"]["events"], 1.0);
    let series = get(&router, "/api/timeseries").await.json();
    assert_eq!(series["bucket_seconds"], 3_600);
    assert!((24..=25).contains(&series["points"].as_array().unwrap().len()));
    let longer = get(&router, "/api/stats?last=3d").await.json();
    assert_eq!(longer["totals"]["events"], 2.0);
}

#[tokio::test]
async fn what_cannot_be_summed_up_is_refused() {
    let router = open(&three().await);
    for (path, parameter, expected) in [
        ("stats?by=path", "by", "takes one of `kind`"),
        ("stats?by=kind&by=route", "by", "can be given only once"),
        ("stats?top=0", "top", "from 1 to 100"),
        ("stats?top=101", "top", "from 1 to 100"),
        (
            "stats?order=size",
            "order",
            "takes `events`, `failures` or `p95`.",
        ),
        ("stats?bucket=1h", "bucket", "is not known here"),
        ("stats?status=x", "status", "takes a status code"),
        ("timeseries?top=21", "top", "from 1 to 20"),
        ("timeseries?bucket=0s", "bucket", "such as `30s`"),
        ("timeseries?bucket=500ms", "bucket", "such as `30s`"),
        ("timeseries?bucket=367d", "bucket", "such as `30s`"),
        ("timeseries?bucket=1s", "bucket", "too short"),
        ("timeseries?order=p95", "order", "is not known here"),
        ("timeseries?limit=5", "limit", "is not known here"),
    ] {
        let answer = get(&router, &format!("/api/{path}")).await;
        let detail = answer.problem(400);
        assert!(detail.contains(expected), "{path}: {detail}");
        assert_eq!(answer.json()["parameter"], parameter, "{path}");
    }
}
