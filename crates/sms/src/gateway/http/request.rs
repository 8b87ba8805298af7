//! One message as a request.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::pattern::Pattern;
use super::settings::{Basic, HttpSettings, HttpSettingsError, Method, NumberForm};
use crate::gateway::{Message, SendError};

enum Body {
    None,
    Form(Vec<(String, Pattern)>),
    Json(Tree),
}

/// JSON whose strings are patterns.
enum Tree {
    Leaf(Value),
    Text(Pattern),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

/// Builds requests from patterns that were found right.
pub(super) struct Requests {
    method: reqwest::Method,
    url: Pattern,
    backup_url: Option<Pattern>,
    headers: Vec<(HeaderName, Pattern)>,
    body: Body,
    secrets: BTreeMap<String, SecretString>,
    from: String,
    number: NumberForm,
    basic: Option<Basic>,
}

impl Requests {
    pub(super) fn new(settings: &HttpSettings) -> Result<Self, HttpSettingsError> {
        let names: Vec<&str> = settings.secrets.keys().map(String::as_str).collect();
        let pattern = |setting: &str, text: &str| {
            Pattern::parse(text, &names).map_err(|why| wrong(setting, why))
        };
        let url = |setting: &str, text: &SecretString| {
            let pattern = pattern(setting, text.expose_secret())?;
            // Filled with a digit everywhere, it must be a URL, and a placeholder must not choose the host.
            let host = |value| {
                let url = Url::parse(&pattern.fill(|_| Some(value), str::to_owned)).ok()?;
                let web = matches!(url.scheme(), "http" | "https");
                web.then(|| url.host_str().map(str::to_owned))?
            };
            match (host("1"), host("2")) {
                (Some(one), Some(other)) if one == other => Ok(pattern),
                _ => Err(wrong(setting, "not a URL of http or https with a fixed host".into())),
            }
        };
        let mut headers = Vec::new();
        for (name, text) in &settings.headers {
            let shown = format!("headers.{name}");
            let value = pattern(&shown, text.expose_secret())?;
            if value.has("text") {
                return Err(wrong(&shown, "`{text}` does not fit into a header".into()));
            }
            let name = name.parse().map_err(|_| HttpSettingsError::HeaderName)?;
            headers.push((name, value));
        }
        if !settings.idempotency_header.is_empty() {
            let name =
                settings.idempotency_header.parse().map_err(|_| HttpSettingsError::HeaderName)?;
            headers.push((name, pattern("idempotency_header", "{id}")?));
        }
        let body = match (&settings.form, &settings.json) {
            (Some(_), Some(_)) => return Err(HttpSettingsError::TwoBodies),
            (None, None) => Body::None,
            (_, _) if settings.method == Method::Get => return Err(HttpSettingsError::BodyOfGet),
            (Some(form), None) => Body::Form(
                form.iter()
                    .map(|(name, text)| {
                        let value = pattern(&format!("form.{name}"), text.expose_secret())?;
                        Ok((name.clone(), value))
                    })
                    .collect::<Result<_, HttpSettingsError>>()?,
            ),
            (None, Some(json)) => Body::Json(Tree::parse(json, &names)?),
        };
        let requests = Self {
            method: match settings.method {
                Method::Get => reqwest::Method::GET,
                Method::Post => reqwest::Method::POST,
                Method::Put => reqwest::Method::PUT,
            },
            url: url("url", &settings.url)?,
            backup_url: settings.backup_url.as_ref().map(|u| url("backup_url", u)).transpose()?,
            headers,
            body,
            secrets: settings.secrets.clone(),
            from: settings.from.clone(),
            number: settings.number,
            basic: settings.basic.clone(),
        };
        match ["to", "text"].into_iter().find(|name| !requests.tells(name)) {
            Some(unused) => Err(HttpSettingsError::Unused(unused)),
            None => Ok(requests),
        }
    }

    fn tells(&self, name: &str) -> bool {
        let backup = self.backup_url.as_ref().is_none_or(|url| url.has(name));
        let body = match &self.body {
            Body::None => false,
            Body::Form(fields) => fields.iter().any(|(_, value)| value.has(name)),
            Body::Json(tree) => tree.has(name),
        };
        body || (self.url.has(name) && backup)
    }

    /// Whether `said` repeats one of `secrets`, the password, or a long piece of what is fixed in the
    /// patterns, which may hold a secret anywhere.
    pub(super) fn betrayed_by(&self, said: &str) -> bool {
        /// Shorter pieces are `1` and `send` rather than keys.
        const SHORTEST: usize = 6;
        let named = self.secrets.values().chain(self.basic.iter().map(|basic| &basic.password));
        let named = named.map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty());
        let mut fixed: Vec<&SecretString> = Vec::new();
        let in_body: Vec<&Pattern> = match &self.body {
            Body::None => Vec::new(),
            Body::Form(fields) => fields.iter().map(|(_, pattern)| pattern).collect(),
            Body::Json(tree) => tree.patterns(),
        };
        let urls = std::iter::once(&self.url).chain(&self.backup_url);
        let headers = self.headers.iter().map(|(_, pattern)| pattern);
        for pattern in urls.chain(headers).chain(in_body) {
            fixed.extend(pattern.fixed());
        }
        let between = |c: char| c.is_whitespace() || "/?&=:;,@\"'".contains(c);
        let pieces = fixed
            .into_iter()
            .map(ExposeSecret::expose_secret)
            .flat_map(|text| std::iter::once(text.trim()).chain(text.split(between)))
            .filter(|piece| piece.len() >= SHORTEST);
        named.chain(pieces).any(|secret| said.contains(secret))
    }

    pub(super) fn has_backup(&self) -> bool {
        self.backup_url.is_some()
    }

    pub(super) fn build(
        &self,
        client: &Client,
        message: &Message,
        backup: bool,
        token: Option<&SecretString>,
    ) -> Result<Request, SendError> {
        let digits = message.to.trim_start_matches('+');
        let to = match self.number {
            NumberForm::Plus => message.to.clone(),
            NumberForm::Digits => digits.to_owned(),
            NumberForm::Zeros => format!("00{digits}"),
        };
        let value = |name: &str| match name {
            // What the operator named so comes first.
            name if self.secrets.contains_key(name) => {
                self.secrets.get(name).map(ExposeSecret::expose_secret)
            }
            "to" => Some(to.as_str()),
            "text" => Some(message.text.as_str()),
            "id" => Some(message.id.as_str()),
            "from" => Some(self.from.as_str()),
            _ => None,
        };
        let pattern = if backup { self.backup_url.as_ref() } else { None }.unwrap_or(&self.url);
        let url =
            pattern.fill(value, |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
        let mut request = client.request(self.method.clone(), url);
        request = match &self.body {
            Body::None => request,
            Body::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, pattern) in fields {
                    form.append_pair(name, &pattern.fill(value, str::to_owned));
                }
                request
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form.finish())
            }
            Body::Json(tree) => {
                request.header(CONTENT_TYPE, "application/json").body(tree.fill(&value).to_string())
            }
        };
        if let Some(basic) = &self.basic {
            request = request.basic_auth(&basic.user, Some(basic.password.expose_secret()));
        }
        if let Some(token) = token {
            request = request.bearer_auth(token.expose_secret());
        }
        let mut request = request.build().map_err(|_| no_request())?;
        for (name, pattern) in &self.headers {
            let filled = pattern.fill(value, str::to_owned);
            let mut filled = HeaderValue::from_str(&filled).map_err(|_| no_request())?;
            filled.set_sensitive(name == AUTHORIZATION);
            // An operator's own `Content-Type` or `Authorization` takes the place of ours.
            request.headers_mut().insert(name.clone(), filled);
        }
        Ok(request)
    }
}

/// It may be a secret that does not fit; the settings can be put right.
fn no_request() -> SendError {
    SendError::Temporary("a value fits neither into the URL nor into a header".into())
}

fn wrong(setting: &str, why: String) -> HttpSettingsError {
    HttpSettingsError::Pattern { setting: setting.into(), why }
}

impl Tree {
    fn parse(json: &Value, names: &[&str]) -> Result<Self, HttpSettingsError> {
        Ok(match json {
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Leaf(json.clone()),
            Value::String(text) => {
                Self::Text(Pattern::parse(text, names).map_err(|why| wrong("json", why))?)
            }
            Value::Array(list) => Self::List(
                list.iter().map(|item| Self::parse(item, names)).collect::<Result<_, _>>()?,
            ),
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), Self::parse(value, names)?)))
                    .collect::<Result<_, HttpSettingsError>>()?,
            ),
        })
    }

    fn patterns(&self) -> Vec<&Pattern> {
        match self {
            Self::Leaf(_) => Vec::new(),
            Self::Text(pattern) => vec![pattern],
            Self::List(list) => list.iter().flat_map(Self::patterns).collect(),
            Self::Object(fields) => fields.iter().flat_map(|(_, value)| value.patterns()).collect(),
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Leaf(_) => false,
            Self::Text(pattern) => pattern.has(name),
            Self::List(list) => list.iter().any(|item| item.has(name)),
            Self::Object(fields) => fields.iter().any(|(_, value)| value.has(name)),
        }
    }

    fn fill<'v>(&self, value: &impl Fn(&str) -> Option<&'v str>) -> Value {
        match self {
            Self::Leaf(json) => json.clone(),
            Self::Text(pattern) => Value::String(pattern.fill(value, str::to_owned)),
            Self::List(list) => list.iter().map(|item| item.fill(value)).collect(),
            Self::Object(fields) => {
                Value::Object(fields.iter().map(|(n, v)| (n.clone(), v.fill(value))).collect())
            }
        }
    }
}
