use super::*;

fn told(metrics: &Metrics, disk: DiskFigures) -> Vec<String> {
    metrics
        .told(&Moment { talks: 3, disk, ..Moment::default() })
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn assert_tells(lines: &[String], line: &str) {
    assert!(lines.iter().any(|told| told == line), "no {line} in\n{}", lines.join("\n"));
}

#[test]
fn what_happened_is_counted_and_what_did_not_is_zero() {
    let metrics = Metrics::default();
    metrics.call_ended(Service::OutboundHotline, Outcome::Answered);
    metrics.clone().call_ended(Service::OutboundHotline, Outcome::Answered);
    metrics.recording_judged("silent", 0.3);
    metrics.recording_broke();
    metrics.sms_expired(4);
    metrics.alarm_raised("recording");
    let lines = told(&metrics, DiskFigures::default());
    for line in [
        "ustredna_calls_total{service=\"outbound_hotline\",outcome=\"answered\"} 2",
        "ustredna_talks 3",
        "ustredna_recordings_total{verdict=\"silent\"} 1",
        "ustredna_recordings_total{verdict=\"missing\"} 0",
        "ustredna_recordings_broken_total 1",
        "ustredna_proof_delay_seconds_bucket{le=\"0.25\"} 0",
        "ustredna_proof_delay_seconds_bucket{le=\"0.5\"} 1",
        "ustredna_sms_total{outcome=\"expired\"} 4",
        "ustredna_cdrs_total{outcome=\"put_aside\"} 0",
        "ustredna_alarms_total{kind=\"recording\"} 1",
        "ustredna_alarms_failed_total{kind=\"recording\"} 0",
        "# EOF",
    ] {
        assert_tells(&lines, line);
    }
    let build = format!("ustredna_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    assert_tells(&lines, &build);
}

#[test]
fn of_the_disk_only_what_is_known_is_told() {
    let metrics = Metrics::default();
    let known = DiskFigures {
        free_bytes: Some(5000),
        used_bytes: Some(70),
        used_per_day_bytes: Some(7),
        days_left: Some(12),
    };
    let lines = told(&metrics, known);
    for line in [
        "ustredna_disk_free_bytes{} 5000",
        "ustredna_disk_used_bytes{} 70",
        "ustredna_disk_used_per_day_bytes{} 7",
        "ustredna_disk_left_days{} 12",
    ] {
        assert_tells(&lines, line);
    }
    let lines = told(&metrics, DiskFigures { free_bytes: Some(1), ..DiskFigures::default() });
    assert_tells(&lines, "ustredna_disk_free_bytes{} 1");
    assert!(!lines.iter().any(|line| line.starts_with("ustredna_disk_left")), "{lines:?}");
}

/// Every metric has a line that explains it, and the README names each.
#[test]
fn every_metric_is_explained_here_and_in_the_readme() {
    let readme = include_str!("../../../../README.md");
    let known = DiskFigures {
        free_bytes: Some(1),
        used_bytes: Some(1),
        used_per_day_bytes: Some(1),
        days_left: Some(1),
    };
    let metrics = Metrics::default();
    metrics.call_ended(Service::OutboundHotline, Outcome::Answered);
    let moment = Moment {
        disk: known,
        switch_up: Some(true),
        gateway_up: Some(false),
        sessions: Some(4),
        sms_due: Some(1),
        sms_oldest_seconds: Some(90),
        tickets_open: Some(3),
        succeeded: vec![("outbox", 1)],
        failing: vec!["cdr_intake"],
        damaged_rows: 2,
        ..Moment::default()
    };
    let told = metrics.told(&moment).unwrap();
    let lines: Vec<String> = told.lines().map(str::to_owned).collect();
    for line in [
        "ustredna_switch_up{} 1",
        "ustredna_gateway_up{} 0",
        "ustredna_damaged_rows 2",
        "ustredna_sms_queue_age_seconds{} 90",
        "ustredna_worker_last_success_seconds{worker=\"outbox\"} 1",
        "ustredna_worker_failing{worker=\"cdr_intake\"} 1",
        "ustredna_worker_failing{worker=\"outbox\"} 0",
        "ustredna_worker_restarts_total{worker=\"outbox\"} 0",
    ] {
        assert_tells(&lines, line);
    }
    let help: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("# HELP ")).collect();
    let types = lines.iter().filter(|line| line.starts_with("# TYPE ")).count();
    assert_eq!(help.len(), types);
    assert_eq!(types, 28);
    for line in help {
        let (name, text) = line.split_once(' ').unwrap();
        assert!(text.len() > 10, "{line}");
        assert!(readme.contains(&format!("`{name}")), "{name} is not in the README");
    }
}
