use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method as Verb, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{HttpGateway, HttpSettings};
use crate::gateway::{Accepted, CheckError, Gateway as _, Message, SendError};

mod fates;
mod presets;
mod tls;

const TEXT: &str = "Zmeškaný \"hovor\" č. 2 & 50 % {x}=1+1\n😀";

fn message() -> Message {
    Message {
        id: "0199aaaa-0000-7000-8000-000000000001".into(),
        to: "+420601123456".into(),
        text: TEXT.into(),
        created_at: "2026-11-22T10:31:45+01:00".into(),
    }
}

#[derive(Clone, Debug)]
struct Seen {
    verb: Verb,
    uri: Uri,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

type Script = VecDeque<(u16, &'static str, &'static str)>;

/// A provider that answers as it was told to, and remembers what it was asked.
#[derive(Clone)]
struct Provider {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Provider {
    /// Each answer is a status, a header `name: value` or nothing, and a body; a status of 0 is none for
    /// two seconds. The last one is given for ever.
    async fn answering(script: &[(u16, &'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            script: Arc::new(Mutex::new(script.iter().copied().collect())),
            seen: Arc::default(),
        };
        let app = Router::new().fallback(answer).with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        provider
    }

    fn url(&self) -> String {
        format!("http://{}/send", self.address)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(
    State(provider): State<Provider>,
    verb: Verb,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    provider.seen.lock().unwrap().push(Seen { verb, uri, headers, body });
    let (status, header, body) = {
        let mut script = provider.script.lock().unwrap();
        if script.len() > 1 { script.pop_front().unwrap() } else { script[0] }
    };
    if status == 0 {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, body).into_response();
    if let Some((name, value)) = header.split_once(": ") {
        let name: axum::http::HeaderName = name.parse().unwrap();
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

fn settings(toml: &str) -> HttpSettings {
    toml::from_str(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"))
}

/// What a provider of JSON is told, with impatient timeouts.
fn json(url: &str, more: &str) -> HttpGateway {
    let toml = format!(
        "url = \"{url}\"\njson = {{ to = \"{{to}}\", text = \"{{text}}\" }}\nconnect_timeout = \"200ms\"\ntimeout = \"500ms\"\n{more}"
    );
    HttpGateway::new(settings(&toml)).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "what `send` gives")]
fn accepted(id: Option<&str>) -> Result<Accepted, SendError> {
    Ok(Accepted { provider_id: id.map(str::to_owned), ..Accepted::default() })
}

#[tokio::test]
async fn values_are_escaped_for_their_place() {
    let provider = Provider::answering(&[(200, "", "")]).await;
    let base = provider.url();
    let json = settings(&format!(
        r#"
        url = "{base}?key={{key}}"
        json = {{ sms = [{{ to = "{{to}}", text = "<{{text}}>", n = 7 }}], from = "{{from}}" }}
        from = "Tax\"i"
        secrets = {{ key = "a/b&c" }}
        headers = {{ X-Id = "{{id}}/{{key}}" }}
        "#
    ));
    assert_eq!(HttpGateway::new(json).unwrap().send(&message()).await, accepted(None));
    let form = settings(&format!(
        "url = \"{base}\"\nmethod = \"PUT\"\nnumber = \"zeros\"\nform = {{ To = \"{{to}}\", Body = \"{{{{{{text}}\" }}"
    ));
    assert_eq!(HttpGateway::new(form).unwrap().send(&message()).await, accepted(None));
    let query = settings(&format!(
        "url = \"{base}/{{to}}?t={{text}}\"\nmethod = \"GET\"\nnumber = \"digits\"\nidempotency_header = \"\""
    ));
    assert_eq!(HttpGateway::new(query).unwrap().send(&message()).await, accepted(None));

    let seen = provider.seen();
    assert_eq!(seen[0].verb, Verb::POST);
    assert_eq!(seen[0].uri, "/send?key=a%2Fb%26c");
    assert_eq!(seen[0].header("idempotency-key"), message().id);
    assert_eq!(seen[0].header("x-id"), format!("{}/a/b&c", message().id));
    assert_eq!(seen[0].header("content-type"), "application/json");
    let body: serde_json::Value = serde_json::from_str(&seen[0].body).unwrap();
    let text = format!("<{TEXT}>");
    let sms = serde_json::json!([{ "to": "+420601123456", "text": text, "n": 7 }]);
    assert_eq!(body, serde_json::json!({ "sms": sms, "from": "Tax\"i" }));

    assert_eq!(seen[1].verb, Verb::PUT);
    assert_eq!(seen[1].header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(
        seen[1].form(),
        [("Body".to_owned(), format!("{{{TEXT}")), ("To".to_owned(), "00420601123456".to_owned())]
    );

    assert_eq!(seen[2].verb, Verb::GET);
    assert_eq!(seen[2].header("idempotency-key"), "");
    assert_eq!(seen[2].uri.path(), "/send/420601123456");
    let query: Vec<_> =
        form_urlencoded::parse(seen[2].uri.query().unwrap().as_bytes()).into_owned().collect();
    assert_eq!(query, [("t".to_owned(), TEXT.to_owned())]);
}

#[tokio::test]
async fn a_message_nobody_can_send_never_leaves() {
    let provider = Provider::answering(&[(200, "", "")]).await;
    let wrong = Message { to: "601123456".into(), ..message() };
    let refused = json(&provider.url(), "").send(&wrong).await;
    assert!(matches!(refused, Err(SendError::Permanent(_))));
    assert!(provider.seen().is_empty());
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_it_is_refused() {
    let giver = Provider::answering(&[
        (200, "", r#"{"access_token":"first","expires_in":3600}"#),
        (200, "", r#"{"access_token":"second","expires_in":3600}"#),
        (401, "", "no"),
    ])
    .await;
    let provider =
        Provider::answering(&[(200, "", ""), (200, "", ""), (401, "", ""), (200, "", "")]).await;
    let gateway = json(
        &provider.url(),
        &format!(
            "oauth = {{ url = \"{}\", client_id = \"me\", client_secret = \"s&cret\" }}",
            giver.url()
        ),
    );
    let sent = message();
    for attempt in futures::future::join_all((0..2).map(|_| gateway.send(&sent))).await {
        assert_eq!(attempt, accepted(None));
    }
    let refused = gateway.send(&sent).await;
    assert_eq!(refused, Err(SendError::Temporary("the provider answered 401".into())));
    assert_eq!(gateway.send(&sent).await, accepted(None));

    let tokens: Vec<_> =
        provider.seen().iter().map(|seen| seen.header("authorization").to_owned()).collect();
    assert_eq!(tokens, ["Bearer first", "Bearer first", "Bearer first", "Bearer second"]);
    let asked = giver.seen();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].form().contains(&("client_secret".into(), "s&cret".into())));

    // `check` asks for a token of its own, and tells when it gets none.
    let check = gateway.check().await.unwrap_err();
    assert!(matches!(check, CheckError::Refused { .. }), "{check}");
    assert!(check.to_string().contains("401"), "{check}");
}

#[tokio::test]
async fn a_check_connects_and_sends_nothing() {
    let provider = Provider::answering(&[(200, "", "")]).await;
    json(&provider.url(), "").check().await.unwrap();
    assert!(provider.seen().is_empty());
    let backup = "backup_url = \"http://127.0.0.1:1/\"";
    let error = json(&provider.url(), backup).check().await.unwrap_err();
    assert!(error.to_string().starts_with("127.0.0.1:1: "), "{error}");
}

#[tokio::test]
async fn what_is_secret_or_personal_is_never_shown() {
    // A provider that repeats all it was told where we look for an explanation.
    let echo = r#"{"error":"key s3cr3t-k3y for 601123456","code":"E7"}"#;
    let provider = Provider::answering(&[(400, "", echo)]).await;
    let with = |pointer: &str| {
        settings(&format!(
            r#"
            url = "{}?key=s3cr3t-k3y"
            form = {{ to = "{{to}}", text = "{{text}}", key = "s3cr3t-k3y" }}
            headers = {{ Authorization = "Bearer s3cr3t-k3y" }}
            secrets = {{ unused = "s3cr3t-k3y" }}
            basic = {{ user = "me", password = "s3cr3t-k3y" }}
            answer = {{ error = {{ pointer = "{pointer}" }} }}
            "#,
            provider.url()
        ))
    };
    let settings = with("/error");
    let mut shown = vec![format!("{settings:?}")];
    let gateway = HttpGateway::new(settings.clone()).unwrap();
    shown.push(format!("{gateway:?}"));
    let refused = gateway.send(&message()).await.unwrap_err();
    shown.push(format!("{refused} {refused:?}"));
    for url in ["http://127.0.0.1:1/?key=s3cr3t-k3y", "http://127.0.0.1:1/s3cr3t-k3y/{to}"] {
        let gateway =
            HttpGateway::new(HttpSettings { url: url.into(), ..settings.clone() }).unwrap();
        let refused = gateway.send(&message()).await.unwrap_err();
        let check = gateway.check().await.unwrap_err();
        shown.push(format!("{refused} {refused:?} {check} {check:?}"));
    }
    for pattern in ["s3cr3t-k3y {nothing}", "a{s3cr3t}b", "s3cr3t-k3y {", "s3cr3t-k3y }"] {
        let wrong = HttpSettings { url: pattern.into(), ..settings.clone() };
        let error = HttpGateway::new(wrong).unwrap_err();
        shown.push(format!("{error} {error:?}"));
    }
    let shown = shown.join("\n");
    for private in ["s3cr3t", "601123456", "Zmeškaný", "hovor"] {
        assert!(!shown.contains(private), "{private} in {shown}");
    }
    // A code that is no secret is worth reading.
    let told = HttpGateway::new(with("/code")).unwrap().send(&message()).await;
    assert_eq!(told, Err(SendError::Permanent("the provider answered 400, E7".into())));
}

#[tokio::test]
async fn an_explanation_that_repeats_a_secret_is_left_out() {
    let told = async |error: &'static str, more: &str| {
        let body = Box::leak(format!("{{\"error\":\"{error}\"}}").into_boxed_str());
        let provider = Provider::answering(&[(400, "", body)]).await;
        let more = format!("answer.error = {{ pointer = \"/error\" }}\n{more}");
        json(&provider.url(), &more).send(&message()).await.unwrap_err().to_string()
    };
    let token = r#"{"access_token":"t0k3n-granted"}"#;
    let giver = Provider::answering(&[(200, "", token)]).await;
    let oauth = format!(
        "oauth = {{ url = \"{}\", client_id = \"me\", client_secret = \"cl13nt\" }}",
        giver.url()
    );
    for (said, more) in [
        ("bad key k3y", "secrets = { key = \"k3y\" }"),
        ("wrong: pa55", "basic = { user = \"me\", password = \"pa55\" }"),
        ("no such client cl13nt", &oauth),
        ("token t0k3n-granted ended", &oauth),
        ("unknown key abc-def", "headers = { Authorization = \"Bearer abc-def\" }"),
        ("unknown key ab/c:def", "headers = { X-Key = \"ab/c:def\" }"),
        ("key u-r-l-key", "backup_url = \"http://127.0.0.1:1/?key=u-r-l-key&to={to}\""),
    ] {
        assert_eq!(told(said, more).await, "cannot be sent: the provider answered 400", "{said}");
        let plain = told("no credit left", more).await;
        assert!(plain.ends_with("400, no credit left"), "{plain}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_given_is_waited_for_once() {
    // No answer for two seconds, and we wait for half of one.
    let giver = Provider::answering(&[(0, "", ""), (200, "", r#"{"access_token":"t"}"#)]).await;
    let provider = Provider::answering(&[(200, "", "")]).await;
    let oauth = format!(
        "oauth = {{ url = \"{}\", client_id = \"me\", client_secret = \"s\" }}",
        giver.url()
    );
    let gateway = json(&provider.url(), &oauth);
    let (sent, began) = (message(), tokio::time::Instant::now());
    let attempts = futures::future::join_all((0..5).map(|_| gateway.send(&sent))).await;
    assert!(attempts.iter().all(|a| matches!(a, Err(SendError::Temporary(_)))), "{attempts:?}");
    // Five, one after the other, are two seconds and a half.
    assert!(began.elapsed() < Duration::from_millis(2400), "one after the other");
    assert_eq!(giver.seen().len(), 1);
    // The failure is not kept for those who come later.
    assert_eq!(gateway.send(&sent).await, accepted(None));
    assert_eq!(giver.seen().len(), 2);
}

#[tokio::test]
async fn a_fetch_that_nobody_waits_for_any_more_is_begun_anew() {
    let giver = Provider::answering(&[(0, "", ""), (200, "", r#"{"access_token":"t"}"#)]).await;
    let provider = Provider::answering(&[(200, "", "")]).await;
    let oauth = format!(
        "oauth = {{ url = \"{}\", client_id = \"me\", client_secret = \"s\" }}",
        giver.url()
    );
    let gateway = json(&provider.url(), &oauth);
    let sent = message();
    let given_up = tokio::time::timeout(Duration::from_millis(100), gateway.send(&sent)).await;
    assert!(given_up.is_err());
    assert_eq!(gateway.send(&sent).await, accepted(None));
}

#[test]
fn a_try_takes_as_long_as_all_its_requests() {
    let oauth = "oauth = { url = \"https://x\", client_id = \"me\" }";
    for (more, seconds) in [
        ("", 10),
        ("backup_url = \"https://y\"", 20),
        (oauth, 20),
        (&format!("{oauth}\nbackup_url = \"https://y\""), 30),
    ] {
        let settings = settings(&format!("url = \"https://x\"\ntimeout = \"10s\"\n{more}"));
        assert_eq!(settings.longest(), Duration::from_secs(seconds), "{more}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let refused = |toml: &str| HttpGateway::new(settings(toml)).unwrap_err().to_string();
    let body = "json = [\"{to}\", \"{text}\"]";
    for (toml, says) in [
        ("url = \"https://x/{to}\"\nform = {}".to_owned(), "`{text}` is nowhere"),
        (format!("url = \"ftp://x/\"\n{body}"), "`url`: not a URL of http or https"),
        (format!("url = \"http://{{to}}/\"\n{body}"), "fixed host"),
        (format!("url = \"https://x/{{tu}}\"\n{body}"), "a placeholder is unknown"),
        (format!("url = \"https://x/{{to\"\n{body}"), "`url`: a `{` begins no placeholder"),
        (format!("url = \"https://x/\"\nform = {{}}\n{body}"), "exclude each other"),
        (format!("url = \"https://x/\"\nmethod = \"GET\"\n{body}"), "GET has no body"),
        (format!("url = \"https://x/\"\nheaders = {{ A = \"{{text}}\" }}\n{body}"), "`headers.A`"),
        (
            format!("url = \"https://x/\"\nheaders = {{ \"A b\" = \"\" }}\n{body}"),
            "not that of a header",
        ),
        (format!("url = \"https://x/\"\ntimeout = \"1s\"\n{body}"), "`connect_timeout`"),
        (
            format!("url = \"https://x/\"\nbasic.user = \"me\"\n{body}"),
            "`basic.password` is missing: set it",
        ),
        (
            format!(
                "url = \"https://x/\"\noauth = {{ url = \"https://x/\", client_id = \"me\" }}\n{body}"
            ),
            "`oauth.client_secret` is missing: set it",
        ),
        (
            format!("url = \"https://x/\"\nanswer.again = [{{ equals = [1] }}]\n{body}"),
            "`answer.again`",
        ),
        (
            format!(
                "url = \"https://x/\"\nanswer.accepted = [{{ pointer = \"data/id\" }}]\n{body}"
            ),
            "`answer.accepted`: `pointer` begins with `/`",
        ),
        (
            format!("url = \"https://x/\"\nsecrets = {{ a = \"b\", key = \"\" }}\n{body}"),
            "`secrets.key` is missing: set it",
        ),
        (format!("url = \"https://x/\"\nca_file = \"/none.pem\"\n{body}"), "`ca_file` /none.pem"),
        // The text would be missing at the backup.
        ("url = \"https://x/{to}/{text}\"\nbackup_url = \"https://y/{to}\"".to_owned(), "`{text}`"),
    ] {
        let said = refused(&toml);
        assert!(said.contains(says), "{toml}\n{said}");
    }
    let unknown = toml::from_str::<HttpSettings>("url = \"https://x/\"\nurls = 1").unwrap_err();
    assert!(unknown.message().contains("`urls`"), "{unknown}");
    let twice = "url = \"https://x/\"\nanswer.id = { pointer = \"/a\", header = \"b\" }";
    let error = toml::from_str::<HttpSettings>(twice).unwrap_err();
    assert!(error.message().contains("exclude each other"), "{error}");
}
