//! The SMS about a missed callback, in the shopper's words.

use anyhow::Context as _;
use exchange::{
    model::Language,
    number::{Country, PhoneNumber},
};
use jiff::{Timestamp, tz::TimeZone};
use sms::{Kind, Template, Values};
use store::{MissKind, MissedCall, SmsText};

use crate::settings::Settings;

/// The templates, checked at start, and what fills them.
#[derive(Debug)]
pub(crate) struct Texts {
    czech: Templates,
    english: Templates,
    hotline: PhoneNumber,
    country: Country,
    zone: TimeZone,
}

#[derive(Debug)]
struct Templates {
    missed: Template,
    missed_unnumbered: Template,
    withheld: Template,
}

impl Texts {
    /// Reads the templates of the settings, or the built-in ones.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self {
            czech: Templates::new(settings, sms::Language::Czech)?,
            english: Templates::new(settings, sms::Language::English)?,
            hotline: settings.exchange.callback_hotline.clone(),
            country: settings.exchange.country.0,
            zone: settings.exchange.timezone.0.clone(),
        })
    }

    /// Writes the SMS about a missed callback.
    pub(crate) fn write(&self, missed: &MissedCall) -> SmsText {
        let templates = match missed.language {
            Language::Czech => &self.czech,
            Language::English => &self.english,
        };
        let (template, ticket, dealer) = match &missed.kind {
            MissKind::Ticket { number, dealer, .. } => {
                (&templates.missed, Some(number.value()), Some(dealer.as_str()))
            }
            MissKind::NoNumberFree { dealer } => {
                (&templates.missed_unnumbered, None, Some(dealer.as_str()))
            }
            MissKind::Withheld => (&templates.withheld, None, None),
        };
        let text = template.render(&Values {
            ticket,
            dealer,
            number: Some(missed.fictitious_number.written(self.country)),
            time: Some(&self.time(missed.at)),
            hotline: Some(self.hotline.written(self.country)),
        });
        let text = text.unwrap_or_else(|error| {
            // Each kind admits only placeholders that it has values for; should that break, the
            // shopper is told the most important.
            tracing::error!(%error, "an SMS template could not be filled");
            format!("Zmeskany hovor. Volejte {}.", self.hotline.written(self.country))
        });
        let segments = u32::try_from(sms::segments(&text).segments).unwrap_or(u32::MAX);
        SmsText { text, segments }
    }

    fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }
}

impl Templates {
    fn new(settings: &Settings, language: sms::Language) -> anyhow::Result<Self> {
        let texts = &settings.sms.texts;
        let template = |kind: Kind, own: &Option<String>| {
            let text = own.as_deref().unwrap_or_else(|| kind.default_text(language));
            Template::parse(kind, text).with_context(|| format!("sms.texts.{}", kind.as_str()))
        };
        Ok(Self {
            missed: template(Kind::Missed, &texts.missed)?,
            missed_unnumbered: template(Kind::MissedUnnumbered, &texts.missed_unnumbered)?,
            withheld: template(Kind::Withheld, &texts.withheld)?,
        })
    }
}

#[cfg(test)]
mod tests;
