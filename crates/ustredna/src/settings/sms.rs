//! `[sms]`: which messages go out, how, and to whom.

use std::{path::PathBuf, time::Duration};

use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::values::Span;

section! {
    /// Text messages.
    Sms {
        gateway: SmsGateway = SmsGateway::Spool,
        /// How many tries may be under way at once.
        in_flight: u32 = 32,
        /// How long one may take before another worker tries.
        lease: Span = Span::seconds(60),
        /// How long after the missed call a message is still of use.
        expiry: Span = Span::minutes(360),
        /// The least time between two messages about one ticket.
        ticket_gap: Span = Span::minutes(10),
        /// Whether shoppers' phones abroad are sent messages.
        foreign: bool = false,
        /// The same for premium-rate and shared-cost numbers.
        premium: bool = false,
        charset: sms::Charset = sms::Charset::Gsm7,
        throttle: Throttle = Throttle::default(),
        spool: Spool = Spool::default(),
        http: Option<sms::HttpSettings> = None,
        smpp: Option<sms::SmppSettings> = None,
        /// The call-back that tells of deliveries.
        reports: Option<sms::HttpReports> = None,
        texts: Texts = Texts::default(),
    }
}

section! {
    /// How many messages one shopper gets at most; 0: no limit.
    Throttle {
        minute: u32 = 1,
        quarter_hour: u32 = 5,
        hour: u32 = 12,
    }
}

/// How messages leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SmsGateway {
    /// One file a message.
    Spool,
    /// A provider's web interface.
    Http,
    /// An SMSC.
    Smpp,
}

section! {
    /// The spool gateway.
    Spool {
        dir: PathBuf = PathBuf::from("sms"),
        form: sms::SpoolForm = sms::SpoolForm::Json,
    }
}

section! {
    /// Texts that replace the built-in ones: in one language, or in every one that has no own.
    Texts {
        missed: Option<String> = None,
        missed_unnumbered: Option<String> = None,
        withheld: Option<String> = None,
        digest: Option<String> = None,
        digest_withheld: Option<String> = None,
        cs: LanguageTexts = LanguageTexts::default(),
        en: LanguageTexts = LanguageTexts::default(),
    }
}

section! {
    /// Texts in one language.
    LanguageTexts {
        missed: Option<String> = None,
        missed_unnumbered: Option<String> = None,
        withheld: Option<String> = None,
        digest: Option<String> = None,
        digest_withheld: Option<String> = None,
    }
}

/// Below that the clocks of two exchanges and a busy disk would matter.
const SHORTEST_LEASE: Duration = Duration::from_secs(5);

/// The shortest time that a gateway may be given for anything.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

/// How long a try may be under way: what outlived its lease would meet its own second try.
pub(crate) fn tries_limit(lease: Duration) -> Duration {
    lease.mul_f64(0.9)
}

/// The shortest lease in full seconds that leaves room for such a try.
fn lease_for(longest: Duration) -> Duration {
    let bound = longest.saturating_mul(10) / 9;
    Duration::from_secs(bound.as_secs().saturating_add(1))
}

/// A secret may come from the environment alone; it must come from somewhere.
fn missing(key: &str) -> anyhow::Error {
    let variable = key.to_uppercase().replace('.', "__");
    anyhow::anyhow!(
        "{key} is missing: write it there or in the environment, {}{variable}",
        super::load::PREFIX,
    )
}

impl Sms {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.in_flight > 0,
            "sms.in_flight = 0: no message would be sent; write 1 or more, for example 32"
        );
        // What one try may take at most, and the settings that say so.
        let (longest, why) = match self.gateway {
            SmsGateway::Spool => (Duration::ZERO, ""),
            SmsGateway::Http => {
                let Some(http) = &self.http else {
                    anyhow::bail!(
                        "sms.gateway = \"http\" needs a section: write [sms.http] with its url"
                    )
                };
                if let Some(key) = http.missing_secret() {
                    return Err(missing(&format!("sms.http.{key}")));
                }
                let why = "sms.http.timeout, once each for url, for backup_url and for the token \
                           of oauth where there are such";
                (http.longest(), why)
            }
            SmsGateway::Smpp => {
                let Some(smpp) = &self.smpp else {
                    anyhow::bail!(
                        "sms.gateway = \"smpp\" needs a section: write [sms.smpp] with its host and system_id"
                    )
                };
                if smpp.password.expose_secret().is_empty() {
                    return Err(missing("sms.smpp.password"));
                }
                let why = "sms.smpp.connect_timeout and sms.smpp.response_timeout, the latter \
                           twice where long texts go in parts";
                (smpp.longest(), why)
            }
        };
        let lease = self.lease.std();
        anyhow::ensure!(
            lease >= SHORTEST_LEASE,
            "sms.lease is under {}: tries would meet their own repetition; write for example \"60s\"",
            humantime::format_duration(SHORTEST_LEASE)
        );
        anyhow::ensure!(
            tries_limit(lease) > longest,
            "sms.lease = \"{}\" is too short: a try gets nine tenths of it, and may take {} ({why}); \
             set sms.lease to \"{}\" or longer, or shorten the timeouts",
            humantime::format_duration(lease),
            humantime::format_duration(longest),
            humantime::format_duration(lease_for(longest)),
        );
        self.gateways_times()?;
        if let Some(fault) = self.reports.as_ref().and_then(sms::HttpReports::fault) {
            // In back-ticks each says first which key it is about.
            let key = fault.split('`').nth(1).unwrap_or_default();
            anyhow::bail!("sms.reports.{key}: in [sms.reports] {fault}");
        }
        Ok(())
    }

    /// With no time at all nothing would ever be answered in time.
    fn gateways_times(&self) -> anyhow::Result<()> {
        let http = self.http.iter().flat_map(|http| {
            [("http.connect_timeout", http.connect_timeout), ("http.timeout", http.timeout)]
        });
        let smpp = self.smpp.iter().flat_map(|smpp| {
            [
                ("smpp.connect_timeout", smpp.connect_timeout),
                ("smpp.response_timeout", smpp.response_timeout),
                ("smpp.enquire_link", smpp.enquire_link),
                ("smpp.reconnect_max", smpp.reconnect_max),
            ]
        });
        for (key, span) in http.chain(smpp) {
            anyhow::ensure!(
                span.0 >= SHORTEST_WAIT,
                "sms.{key} is under {}: nothing is answered so quickly; write for example \"10s\"",
                humantime::format_duration(SHORTEST_WAIT)
            );
        }
        Ok(())
    }

    /// What the store goes by when messages are taken from it.
    pub(crate) fn throttle(&self) -> store::Throttle {
        let limit = |count: u32| (count > 0).then_some(count);
        store::Throttle {
            per_minute: limit(self.throttle.minute),
            per_quarter: limit(self.throttle.quarter_hour),
            per_hour: limit(self.throttle.hour),
        }
    }
}
