//! A running exchange, and a `check` that looks at another database or other settings than it has.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use serde_json::Value;

use crate::{readyz::Serve, switch::Switch};

const SECRET: &str = "https://x.example/hunter2";

fn serve() -> Serve {
    let serve = Serve::beside(
        &Arc::new(Mutex::new(Switch::default())),
        Some(("USTREDNA_ALARM__WEBHOOK", SECRET)),
    );
    serve.comes_to("200", "\"database\":null");
    serve
}

/// What `check` says of the running exchange beside that it runs and can take calls.
fn told(serve: &Serve, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let done = serve.beside_it_with(&["check", "--json"], settings);
    let findings = done.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_it = findings.filter(|found| found["check"] == "exchange" && found["status"] != "ok");
    let told: Vec<_> = of_it
        .map(|found| {
            assert!(found["fix"].as_str().unwrap().contains("start the exchange again"), "{found}");
            let text = |key: &str| found[key].as_str().unwrap().to_owned();
            (text("status"), text("detail"))
        })
        .collect();
    let fails = told.iter().any(|(status, _)| status == "fail");
    assert!(!fails || done.code == Some(1), "{}", done.out);
    told
}

#[test]
fn another_database_than_that_of_the_running_exchange_is_told() {
    let serve = serve();
    assert_eq!(told(&serve, &[]), []);
    let other = [("USTREDNA_DATABASE__URL", "sqlite://other.db")];
    let only = |says: &str| {
        let told = told(&serve, &other);
        let [(status, detail)] = told.as_slice() else { panic!("{says}: {told:?}") };
        assert!(status == "fail" && detail.contains(says), "{status} {detail}");
    };
    only("there is no /");
    serve.beside_it_with(&["import", "shoppers.csv"], &other).ok();
    only("uses another database than these settings name");
    // A copy holds the same shoppers today, and not tomorrow.
    fs::remove_file(serve.world.path("other.db")).unwrap();
    serve.beside_it(&["backup", "other.db"]).0.ok();
    only("uses another database than these settings name");
    // The same one by another name is the same.
    fs::remove_file(serve.world.path("other.db")).unwrap();
    std::os::unix::fs::symlink("ustredna.db", serve.world.path("other.db")).unwrap();
    assert_eq!(told(&serve, &other), []);
}

#[test]
fn other_settings_than_those_of_the_running_exchange_are_told() {
    let serve = serve();
    for (name, value, key) in [
        ("USTREDNA_CALLBACKS__SMS_DELAY", "5h", "callbacks.sms_delay"),
        ("USTREDNA_SMS__SPOOL__DIR", "elsewhere", "sms.spool.dir"),
        ("USTREDNA_EXCHANGE__OUTBOUND_HOTLINE", "+420234234391", "exchange.outbound_hotline"),
        ("USTREDNA_EXCHANGE__TIMEZONE", "Europe/London", "exchange.timezone"),
        ("USTREDNA_SMS__TEXTS__CS__MISSED", "Volejte {hotline}.", "sms.texts.cs.missed"),
        ("USTREDNA_RECORDINGS__RETENTION__DAYS", "90", "recordings.retention.days"),
    ] {
        let expected = format!("the running exchange was started with other settings: {key}");
        assert_eq!(told(&serve, &[(name, value)]), [("warn".to_owned(), expected)]);
    }
    // What is written otherwise and means the same is the same.
    let recordings = serve.world.path("recordings").display().to_string();
    let same = [
        ("USTREDNA_RECORDINGS__DIR", recordings.as_str()),
        ("USTREDNA_CALLBACKS__SMS_DELAY", "1m"),
    ];
    assert_eq!(told(&serve, &same), []);
    // Of a secret nothing is told by which it could be guessed.
    assert_eq!(told(&serve, &[("USTREDNA_ALARM__WEBHOOK", "https://y.example/other")]), []);
    let (_, page) = serve.page("/identity").unwrap();
    let keys: Vec<_> = page["settings"].as_object().unwrap().keys().collect();
    assert!(keys.len() > 60 && !keys.iter().any(|key| *key == "database.url"), "{keys:?}");
    assert!(!page.to_string().contains("hunter2"));
}
