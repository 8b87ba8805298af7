//! Messages by a provider's HTTP interface.

mod answer;
mod oauth;
mod pattern;
mod request;
mod settings;

pub use answer::{Answer, Pick, PickError, Rule};
pub use settings::{Basic, HttpSettings, HttpSettingsError, Method, NumberForm, OAuth};

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::{Client, StatusCode, Url, redirect, retry};
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};

use self::answer::Reply;
use self::oauth::Tokens;
use self::request::Requests;
use super::{Accepted, CheckError, Gateway, Message, SendError, net};

/// Octets of an answer's body that are read; what is behind them is no answer to a message.
const MAX_BODY: usize = 65_536;

/// Sends each message as one request.
///
/// No redirection is followed and no proxy is used: the settings name who gets the secrets. A request is
/// repeated to the backup URL alone, and only if the first URL took nothing.
pub struct HttpGateway {
    client: Client,
    tls: Arc<ClientConfig>,
    requests: Requests,
    tokens: Option<Tokens>,
    settings: HttpSettings,
}

impl fmt::Debug for HttpGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpGateway").finish_non_exhaustive()
    }
}

impl HttpGateway {
    /// Checks the settings; nothing is connected yet.
    ///
    /// # Errors
    /// See [`HttpSettingsError`].
    pub fn new(settings: HttpSettings) -> Result<Self, HttpSettingsError> {
        settings.check()?;
        let requests = Requests::new(&settings)?;
        let tokens = settings.oauth.clone().map(Tokens::new).transpose()?;
        let tls = net::tls(settings.ca_file.as_deref()).map_err(HttpSettingsError::Tls)?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .connect_timeout(settings.connect_timeout.0)
            .timeout(settings.timeout.0)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .http1_only()
            .build()
            .map_err(|error| HttpSettingsError::Tls(error.without_url().to_string()))?;
        Ok(Self { client, tls: Arc::new(tls), requests, tokens, settings })
    }

    async fn attempt(&self, message: &Message) -> Result<Accepted, SendError> {
        message.check()?;
        // One for both URLs: the time a try may take counts with one fetch.
        let token = match &self.tokens {
            Some(tokens) => Some(tokens.token(&self.client).await.map_err(SendError::Temporary)?),
            None => None,
        };
        let secret = |said: &str| self.is_secret(said, token.as_ref());
        let (first, status) = match self.ask(message, false, token.as_ref()).await {
            Ok(reply) => (self.settings.answer.judge(&reply, secret), Some(reply.status)),
            Err(error) => (Err(error), None),
        };
        // One who is throttled at the first URL would be at the second; one that is down is another matter.
        let elsewhere = match first {
            Err(SendError::Temporary(_)) => true,
            Err(SendError::Throttled { .. }) => status == Some(StatusCode::SERVICE_UNAVAILABLE),
            Ok(_) | Err(SendError::Permanent(_) | SendError::Unknown(_)) => false,
        };
        if elsewhere && self.requests.has_backup() {
            let reply = self.ask(message, true, token.as_ref()).await?;
            return self.settings.answer.judge(&reply, secret);
        }
        first
    }

    /// Whether a word of the provider repeats what we told it in confidence.
    fn is_secret(&self, said: &str, token: Option<&SecretString>) -> bool {
        let client_secret = self.settings.oauth.as_ref().map(|oauth| &oauth.client_secret);
        let mut more = client_secret.into_iter().chain(token);
        more.any(|secret| said.contains(secret.expose_secret())) || self.requests.betrayed_by(said)
    }

    async fn ask(
        &self,
        message: &Message,
        backup: bool,
        token: Option<&SecretString>,
    ) -> Result<Reply, SendError> {
        let request = self.requests.build(&self.client, message, backup, token)?;
        let response = self.client.execute(request).await.map_err(|error| fate(&error))?;
        let reply = reply(response).await;
        if let (StatusCode::UNAUTHORIZED, Some(tokens)) = (reply.status, &self.tokens) {
            // Taken back before its time; the next attempt fetches another.
            tokens.forget();
        }
        Ok(reply)
    }
}

/// Reads what comes of the body, in time and up to the limit: the status alone may tell enough.
async fn reply(mut response: reqwest::Response) -> Reply {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while body.len() < MAX_BODY
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(MAX_BODY);
    Reply { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}

/// What an attempt without an answer came to. The error's own text is not shown: it may name the URL.
fn fate(error: &reqwest::Error) -> SendError {
    if error.is_connect() {
        let slow = if error.is_timeout() { " in time" } else { "" };
        return SendError::Temporary(format!("no connection to the provider{slow}"));
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Hyper says so of a request of which it had written nothing.
        if inner.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled) {
            return SendError::Temporary("the connection ended before the request".into());
        }
        cause = inner.source();
    }
    SendError::Unknown(if error.is_timeout() {
        "the provider gave no answer in time".into()
    } else {
        "the connection broke before the answer".into()
    })
}

impl Gateway for HttpGateway {
    /// Connects to every URL, with TLS where it is `https`, and fetches a token if there is need of one.
    fn check(&self) -> BoxFuture<'_, Result<(), CheckError>> {
        async move {
            let token_url = self.settings.oauth.as_ref().map(|oauth| oauth.url.as_str());
            let urls = [
                Some(self.settings.url.expose_secret()),
                self.settings.backup_url.as_ref().map(ExposeSecret::expose_secret),
                token_url,
            ];
            for url in urls.into_iter().flatten() {
                reach(url, &self.tls, self.settings.connect_timeout.0).await?;
            }
            if let (Some(tokens), Some(url)) = (&self.tokens, token_url) {
                tokens.forget();
                tokens
                    .token(&self.client)
                    .await
                    .map_err(|why| CheckError::Refused { place: place(url), why })?;
            }
            Ok(())
        }
        .boxed()
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Accepted, SendError>> {
        self.attempt(message).boxed()
    }
}

async fn reach(
    url: &str,
    tls: &Arc<ClientConfig>,
    limit: std::time::Duration,
) -> Result<(), CheckError> {
    let place = place(url);
    let parsed = Url::parse(url).ok();
    let target =
        parsed.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)));
    let Some((host, port)) = target else {
        return Err(CheckError::Unreachable { place, why: "the URL names no host".into() });
    };
    let tls = url.starts_with("https:").then_some(tls);
    // An IPv6 address has brackets in a URL and none anywhere else.
    let host = host.trim_matches(['[', ']']);
    match net::connect(host, port, tls, limit).await {
        Ok(_) => Ok(()),
        Err(error) => Err(CheckError::Unreachable { place, why: error.to_string() }),
    }
}

/// Host and port, which are no secret as the rest of a URL may be.
fn place(url: &str) -> String {
    let url = Url::parse(url).ok();
    let shown = url
        .as_ref()
        .and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)));
    shown.unwrap_or_else(|| "the URL".into())
}

#[cfg(test)]
mod tests;
