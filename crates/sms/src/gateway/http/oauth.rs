//! Tokens by client credentials, RFC 6749 section 4.4.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::time::Instant;

use super::settings::{HttpSettingsError, OAuth};

/// A token without `expires_in` is kept for as long as nobody refuses it, but no longer than this.
const UNTOLD: u64 = 3_600;
/// A token is not used in its last moments: the request needs time to get there.
const MARGIN: Duration = Duration::from_secs(30);

/// A fetch under way or done: a hundred messages make one, and share what becomes of it.
type Fetch = Shared<BoxFuture<'static, Result<(SecretString, Instant), String>>>;

pub(super) struct Tokens {
    settings: Arc<OAuth>,
    kept: Mutex<Option<Fetch>>,
}

/// RFC 6749 section 5.1.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<u64>,
}

impl Tokens {
    pub(super) fn new(settings: OAuth) -> Result<Self, HttpSettingsError> {
        let web =
            Url::parse(&settings.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !web {
            return Err(HttpSettingsError::Pattern {
                setting: "oauth.url".into(),
                why: "not a URL of http or https".into(),
            });
        }
        Ok(Self { settings: Arc::new(settings), kept: Mutex::new(None) })
    }

    /// The token, fetched if need be. An error says what the giver of tokens answered.
    pub(super) async fn token(&self, client: &Client) -> Result<SecretString, String> {
        let usable = |fetch: &Fetch| match fetch.peek() {
            Some(Ok((_, ends))) => Instant::now() < *ends,
            Some(Err(_)) => false,
            // One that all have left is ours alone, and stands still.
            None => fetch.strong_count().is_some_and(|holders| holders > 1),
        };
        let fetch = {
            let mut kept = self.kept();
            let fetch = kept.take().filter(usable).unwrap_or_else(|| {
                let (settings, client) = (Arc::clone(&self.settings), client.clone());
                async move { settings.fetch(&client).await }.boxed().shared()
            });
            kept.insert(fetch).clone()
        };
        // One that lives shorter than the margin serves those who wait for it now.
        fetch.await.map(|(token, _)| token)
    }

    /// Makes the next one be fetched.
    pub(super) fn forget(&self) {
        *self.kept() = None;
    }

    fn kept(&self) -> MutexGuard<'_, Option<Fetch>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OAuth {
    fn form(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret());
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        form.finish()
    }

    async fn fetch(&self, client: &Client) -> Result<(SecretString, Instant), String> {
        let response = client
            .post(self.url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(self.form())
            .send()
            .await
            .map_err(|_| "no token: no answer from `oauth.url`".to_owned())?;
        let reply = super::reply(response).await;
        if !reply.status.is_success() {
            return Err(format!("no token: `oauth.url` answered {}", reply.status.as_u16()));
        }
        let granted: Granted = serde_json::from_str(&reply.body)
            .map_err(|_| "no token: the answer of `oauth.url` holds none".to_owned())?;
        let life = Duration::from_secs(granted.expires_in.unwrap_or(UNTOLD).min(UNTOLD * 24));
        Ok((granted.access_token, Instant::now() + life.saturating_sub(MARGIN)))
    }
}
