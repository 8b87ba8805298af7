use std::{fs, time::Duration};

use sms::{HttpGateway, HttpReports, HttpSettings, SmppGateway, SmppSettings};
use ustredna::Clock;

use crate::{
    house::{APIKEY, House, REPORTS, now, phone},
    provider::{Does, Provider},
};

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_log_no_error_and_no_list() {
    let house = House::new(4, false);
    let provider = Provider::default();
    let slow = Does::TakesAndAnswersAfter(Duration::from_secs(2));
    provider.plan(&phone(0), &[Does::Rejects]);
    provider.plan(&phone(1), &[slow]);
    provider.plan(&phone(2), &[Does::Throttles]);
    house.write_settings(provider.start().await, "");
    let settings = fs::read_to_string(house.path("ustredna.toml")).unwrap();
    fs::write(house.path("ustredna.toml"), format!("{settings}[log]\nlevel = \"trace\"\n"))
        .unwrap();
    let store = house.store().await;
    for shopper in 0..4 {
        house.miss(&store, shopper, 1, now()).await;
    }
    let mut exchange = house.serve();
    while provider.got().len() < 5 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut told = String::new();
    for arguments in [
        &["sms", "--json"][..],
        &["sms"],
        &["tickets", "--json"],
        &["sms", "preview"],
        &["check"],
        &["check", "--json"],
    ] {
        let done = house.command(arguments).output().unwrap();
        told.push_str(&String::from_utf8(done.stdout).unwrap());
        told.push_str(&String::from_utf8(done.stderr).unwrap());
    }
    exchange.kill().unwrap();
    exchange.wait().unwrap();
    assert!(told.contains("422"), "the refusal is listed: {told}");
    assert!(told.contains("the provider answers over HTTP"), "{told}");
    // Settings in which each secret stands where it does not belong.
    for (wrong, right) in [
        (format!("secrets = \"{APIKEY}\""), format!("secrets = {{ apikey = \"{APIKEY}\" }}")),
        (format!("secret = [\"{REPORTS}\"]"), format!("secret = \"{REPORTS}\"")),
        (format!("secret = \"{REPORTS}"), format!("secret = \"{REPORTS}\"")),
        (
            format!("secrets = {{ apikey = [\"{APIKEY}\"] }}"),
            format!("secrets = {{ apikey = \"{APIKEY}\" }}"),
        ),
        ("url = \"http://{nobody}@{provider}\"".to_owned(), format!("url = \"http://{}", "127")),
        (format!("form = \"{APIKEY}\" #"), "form =".to_owned()),
    ] {
        assert!(settings.contains(&right), "{right}");
        fs::write(house.path("ustredna.toml"), settings.replacen(&right, &wrong, 1)).unwrap();
        for command in [&["check"][..], &["sms"]] {
            let done = house.command(command).output().unwrap();
            assert!(!done.status.success(), "{wrong}");
            told.push_str(&String::from_utf8(done.stdout).unwrap());
            told.push_str(&String::from_utf8(done.stderr).unwrap());
        }
    }
    let log = fs::read_to_string(house.path("log")).unwrap();
    assert!(log.contains("SMS handed over") && log.contains("SMS given up"), "{log}");
    for secret in [APIKEY, REPORTS, "hunter2", "battery"] {
        for text in [&log, &told] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is told");
        }
    }
}

/// Whatever holds a secret, in the message of a panic: that is where its debug form ends up.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_panic() {
    let house = House::new(1, false);
    house.write_settings(Provider::default().start().await, "");
    let text = fs::read_to_string(house.path("ustredna.toml")).unwrap();
    let file: toml::Table = text.parse().unwrap();
    let read = |section: &str| file["sms"][section].clone();
    let mut http: HttpSettings = read("http").try_into().unwrap();
    let more = "url = \"https://x/{to}/{text}\"\n\
                basic = { user = \"u\", password = \"hunter2-basic\" }\n\
                oauth = { url = \"https://x\", client_id = \"i\", client_secret = \"hunter2-oauth\" }\n\
                headers = { A = \"hunter2-header\" }\n";
    let more: HttpSettings = toml::from_str(more).unwrap();
    (http.basic, http.oauth, http.headers) = (more.basic, more.oauth, more.headers);
    let reports: HttpReports = read("reports").try_into().unwrap();
    let smpp = "host = \"127.0.0.1\"\nport = 1\nsystem_id = \"u\"\npassword = \"hunter2\"\n";
    let smpp: SmppSettings = toml::from_str(smpp).unwrap();
    let running = house.open(Clock::SYSTEM).await;
    let by_http = HttpGateway::new(http.clone()).unwrap();
    let by_smpp =
        SmppGateway::start(smpp.clone(), tokio::sync::mpsc::unbounded_channel().0).unwrap();
    let told = [
        ("settings of HTTP", format!("{http:?}")),
        ("sign-in", format!("{:?}", http.headers)),
        ("settings of SMPP", format!("{smpp:?}")),
        ("settings of reports", format!("{reports:?}")),
        ("gateway by HTTP", format!("{by_http:?}")),
        ("gateway by SMPP", format!("{by_smpp:?}")),
        ("exchange", format!("{running:?}")),
    ];
    for (what, debug) in told {
        let panicked = tokio::spawn(async move { panic!("cannot go on with {debug}") }).await;
        let message = panicked.unwrap_err().into_panic().downcast::<String>().unwrap();
        assert!(message.starts_with("cannot go on with "), "{message}");
        for secret in [APIKEY, REPORTS, "hunter2", "battery"] {
            assert!(!message.contains(secret), "{what}: {message}");
        }
    }
    running.stop().await.unwrap();
}
