//! The presets of the documentation, against providers that behave as theirs says.

use super::*;
use crate::gateway::HttpReports;

/// A preset as it is delivered, with the addresses of fake providers.
fn preset(toml: &str, provider: &Provider, tokens: Option<&Provider>) -> HttpSettings {
    let whole: toml::Table = toml.parse().unwrap();
    assert_eq!(whole["sms"]["gateway"].as_str(), Some("http"));
    let mut settings: HttpSettings = whole["sms"]["http"].clone().try_into().unwrap();
    HttpGateway::new(settings.clone()).unwrap();
    settings.url = provider.url().into();
    settings.backup_url = settings.backup_url.map(|_| provider.url().into());
    if let (Some(oauth), Some(tokens)) = (&mut settings.oauth, tokens) {
        oauth.url = tokens.url();
    }
    settings
}

fn reports(toml: &str) -> HttpReports {
    let whole: toml::Table = toml.parse().unwrap();
    let mut reports: HttpReports = whole["sms"]["reports"].clone().try_into().unwrap();
    reports.secret = "0123456789abcdef".into();
    assert_eq!(reports.fault(), None);
    reports
}

#[tokio::test]
async fn gosms() {
    let toml = include_str!("../../../../presets/gosms.toml");
    let token = r#"{"access_token":"AccessTokenIU78JO","expires_in":3600,"token_type":"bearer","scope":"user"}"#;
    let tokens = Provider::answering(&[(200, "", token)]).await;
    let provider = Provider::answering(&[
        (201, "", r#"{"recipients":{"invalid":[]},"link":"api/v1/messages/61"}"#),
        (201, "", r#"{"recipients":{"invalid":["+420601123456"]},"link":"api/v1/messages/62"}"#),
        (401, "", r#"{"error":"access_denied","error_description":"The access token provided is invalid."}"#),
    ])
    .await;
    let gateway = HttpGateway::new(preset(toml, &provider, Some(&tokens))).unwrap();
    assert_eq!(gateway.send(&message()).await, accepted(Some("61")));
    assert!(matches!(gateway.send(&message()).await, Err(SendError::Permanent(_))));
    let refused = gateway.send(&message()).await;
    let why = "the provider answered 401, access_denied";
    assert_eq!(refused, Err(SendError::Temporary(why.into())));

    let seen = provider.seen();
    assert_eq!(seen[0].header("authorization"), "Bearer AccessTokenIU78JO");
    let body: serde_json::Value = serde_json::from_str(&seen[0].body).unwrap();
    let expected =
        serde_json::json!({ "message": TEXT, "recipients": "+420601123456", "channel": 1 });
    assert_eq!(body, expected);
    let asked = tokens.seen()[0].form();
    assert!(asked.contains(&("grant_type".into(), "client_credentials".into())), "{asked:?}");
}

#[tokio::test]
async fn smsbrana() {
    let toml = include_str!("../../../../presets/smsbrana.toml");
    let provider = Provider::answering(&[
        (
            200,
            "",
            "<?xml version='1.0' encoding='utf-8'?>\n<result>\n<err>0</err>\n<price>1.1</price>\n<sms_count>1</sms_count>\n<credit>1523.32</credit>\n<sms_id>377351</sms_id>\n</result>",
        ),
        (200, "", "<result>\n<err>-1</err>\n</result>"),
        (200, "", "<result>\n<err>10</err>\n</result>"),
        (200, "", "<result>\n<err>1</err>\n</result>"),
        // The first says no for now, so the backup is asked, which does too.
        (200, "", "<result>\n<err>9</err>\n</result>"),
    ])
    .await;
    let gateway = HttpGateway::new(preset(toml, &provider, None)).unwrap();
    assert_eq!(gateway.send(&message()).await, accepted(Some("377351")));
    assert_eq!(gateway.send(&message()).await, Ok(Accepted { again: true, ..Accepted::default() }));
    let why = |code| format!("the provider answered 200, {code}");
    assert_eq!(gateway.send(&message()).await, Err(SendError::Permanent(why("10"))));
    assert_eq!(gateway.send(&message()).await, Err(SendError::Unknown(why("1"))));
    assert_eq!(gateway.send(&message()).await, Err(SendError::Temporary(why("9"))));
    assert_eq!(provider.seen().len(), 6);

    let form = provider.seen()[0].form();
    for (name, value) in [
        ("action", "send_sms"),
        ("number", "420601123456"),
        ("message", TEXT),
        ("user_id", &message().id),
        ("password", "…"),
    ] {
        assert!(form.contains(&(name.into(), value.into())), "{name}: {form:?}");
    }
}

#[tokio::test]
async fn twilio() {
    let toml = include_str!("../../../../presets/twilio.toml");
    let provider = Provider::answering(&[
        (
            201,
            "",
            r#"{"sid":"SM90c6fc909d8504d45ecdb3a3d5b3556e","status":"queued","error_code":null}"#,
        ),
        (
            400,
            "",
            r#"{"code":21211,"message":"Invalid 'To' Phone Number: +420601123456","status":400}"#,
        ),
        (429, "", r#"{"code":20429,"message":"Too Many Requests","status":429}"#),
    ])
    .await;
    let gateway = HttpGateway::new(preset(toml, &provider, None)).unwrap();
    let sid = "SM90c6fc909d8504d45ecdb3a3d5b3556e";
    assert_eq!(gateway.send(&message()).await, accepted(Some(sid)));
    let why = "the provider answered 400, 21211";
    assert_eq!(gateway.send(&message()).await, Err(SendError::Permanent(why.into())));
    let slow = gateway.send(&message()).await;
    assert!(matches!(slow, Err(SendError::Throttled { .. })), "{slow:?}");
    let seen = &provider.seen()[0];
    assert!(seen.header("authorization").starts_with("Basic "));
    let form = seen.form();
    assert!(form.contains(&("To".into(), "+420601123456".into())), "{form:?}");
    assert!(form.contains(&("Body".into(), TEXT.into())), "{form:?}");

    let reports = reports(toml);
    let form = Some("application/x-www-form-urlencoded");
    let body =
        format!("MessageSid={sid}&MessageStatus=undelivered&ErrorCode=30003&To=%2B420601123456");
    let read = reports.read(form, "", body.as_bytes()).unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].provider_id.as_str(), read[0].delivered), (sid, false));
    assert_eq!(read[0].reason.as_deref(), Some("30003"));
    let sent = format!("MessageSid={sid}&MessageStatus=sent");
    assert_eq!(reports.read(form, "", sent.as_bytes()).unwrap().read, []);
}

#[tokio::test]
async fn webhook() {
    let toml = include_str!("../../../../presets/webhook.toml");
    let provider = Provider::answering(&[
        (201, "", r#"{"id":"w-1"}"#),
        (208, "", r#"{"id":"w-1"}"#),
        (422, "", r#"{"error":"no such number"}"#),
    ])
    .await;
    let gateway = HttpGateway::new(preset(toml, &provider, None)).unwrap();
    assert_eq!(gateway.send(&message()).await, accepted(Some("w-1")));
    let again = Accepted { provider_id: Some("w-1".into()), again: true, ..Accepted::default() };
    assert_eq!(gateway.send(&message()).await, Ok(again));
    let why = "the provider answered 422, no such number";
    assert_eq!(gateway.send(&message()).await, Err(SendError::Permanent(why.into())));
    assert!(provider.seen().iter().all(|s| s.header("idempotency-key") == message().id));

    let read = reports(toml).read(None, "", br#"{"id":"w-1","status":"delivered"}"#).unwrap();
    assert_eq!((read[0].provider_id.as_str(), read[0].delivered), ("w-1", true));
}
