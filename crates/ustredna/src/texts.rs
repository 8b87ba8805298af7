//! The SMS about missed callbacks, in the shopper's words.

use anyhow::Context as _;
use exchange::{
    model::Language,
    number::{Country, PhoneNumber},
    prompt::Plural,
    ticket::TicketNumber,
};
use jiff::{Timestamp, tz::TimeZone};
use sms::{Kind, Segmented, Template, Values};
use store::{MissKind, MissedCall, SmsText, Together};

use crate::{
    settings::{LanguageTexts, Settings},
    text::is_invisible,
};

/// The templates, checked at start, and what fills them.
#[derive(Debug)]
pub(crate) struct Texts {
    czech: Templates,
    english: Templates,
    hotline: PhoneNumber,
    country: Country,
    zone: TimeZone,
}

/// A text as a shopper might get it.
pub(crate) struct Sample {
    pub(crate) language: Language,
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) counted: Segmented,
    /// Segments with the longest values in every place.
    pub(crate) longest: usize,
}

#[derive(Debug)]
struct Templates {
    missed: Template,
    missed_unnumbered: Template,
    withheld: Template,
    digest: Template,
    digest_withheld: Template,
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
        let number = missed.fictitious_number.written(self.country);
        let time = self.time(missed.at);
        let hotline = self.hotline.written(self.country);
        let common = Values {
            number: Some(number),
            time: Some(&time),
            hotline: Some(hotline),
            ..Values::default()
        };
        let text = match &missed.kind {
            MissKind::Ticket { number, dealer, .. } => {
                let ticket = Some(number.value());
                templates.missed.render(&Values { ticket, dealer: Some(dealer.as_str()), ..common })
            }
            MissKind::NoTicket { dealer } => templates
                .missed_unnumbered
                .render(&Values { dealer: Some(dealer.as_str()), ..common }),
            MissKind::Withheld => templates.withheld.render(&common),
            MissKind::Together(together) => {
                let template = if together.returnable {
                    &templates.digest
                } else {
                    &templates.digest_withheld
                };
                template.render(&Values {
                    more: Some(&more(*together, missed.language)),
                    count: Some(together.calls),
                    numbers: Some(&numbers(number, *together, missed.language)),
                    ..common
                })
            }
        };
        let text = text.unwrap_or_else(|error| {
            // Each kind admits only placeholders that it has values for; should that break, the
            // shopper is told the most important.
            tracing::error!(%error, "an SMS template could not be filled");
            format!("Zmeskany hovor. Volejte {}.", self.hotline.written(self.country))
        });
        let segments = u32::try_from(sms::segments(&text).segments).unwrap_or(u32::MAX);
        SmsText { text, segments }
    }

    /// What each template gives for one and the same call.
    pub(crate) fn samples(&self, at: Timestamp) -> Vec<Sample> {
        let sample = |text| PhoneNumber::from_e164(text).unwrap_or_else(|_| self.hotline.clone());
        let kind = |kind: Kind| {
            let dealer = sample("+420234567890");
            match kind {
                Kind::Missed => TicketNumber::new(2).map(|number| MissKind::Ticket {
                    number,
                    dealer,
                    missed: 1,
                }),
                Kind::MissedUnnumbered => Some(MissKind::NoTicket { dealer }),
                Kind::Withheld => Some(MissKind::Withheld),
                Kind::Digest | Kind::DigestWithheld => Some(MissKind::Together(Together {
                    calls: 12,
                    several_numbers: false,
                    of_dealers: false,
                    returnable: kind == Kind::Digest,
                })),
            }
        };
        let mut samples = Vec::new();
        for (language, templates) in
            [(Language::Czech, &self.czech), (Language::English, &self.english)]
        {
            for (name, template) in templates.all() {
                let Some(kind) = kind(name) else { continue };
                let fictitious_number = sample("+420777000111");
                let SmsText { text, .. } =
                    self.write(&MissedCall { kind, fictitious_number, at, language });
                let counted = sms::segments(&text);
                let longest = template.worst_case_segments();
                samples.push(Sample { language, kind: name, text, counted, longest });
            }
        }
        samples
    }

    fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }
}

/// "12 more missed calls from unknown numbers"
fn more(together: Together, language: Language) -> String {
    let count = together.calls;
    let number = usize::try_from(count).unwrap_or(usize::MAX);
    let calls = match (language, Plural::of(number)) {
        (Language::Czech, Plural::One) => "Další zmeškaný hovor".to_owned(),
        (Language::Czech, Plural::Few) => format!("Další {count} zmeškané hovory"),
        (Language::Czech, Plural::Many) => format!("Dalších {count} zmeškaných hovorů"),
        (Language::English, Plural::One) => "One more missed call".to_owned(),
        (Language::English, Plural::Few | Plural::Many) => format!("{count} more missed calls"),
    };
    // Whoever the dealers were, the list on the hotline tells. What cannot be returned was withheld or
    // may not be called, one by one.
    if together.of_dealers || !together.returnable {
        return calls;
    }
    let from = match language {
        Language::Czech if count == 1 => "z neznámého čísla",
        Language::Czech => "z neznámých čísel",
        Language::English if count == 1 => "from an unknown number",
        Language::English => "from unknown numbers",
    };
    format!("{calls} {from}")
}

/// "777000111 and others"
fn numbers(number: &str, together: Together, language: Language) -> String {
    match (together.several_numbers, language) {
        (false, _) => number.to_owned(),
        (true, Language::Czech) => format!("{number} a další"),
        (true, Language::English) => format!("{number} and others"),
    }
}

impl Templates {
    fn new(settings: &Settings, language: sms::Language) -> anyhow::Result<Self> {
        let texts = &settings.sms.texts;
        let (own, code): (&LanguageTexts, _) = match language {
            sms::Language::Czech => (&texts.cs, "cs."),
            sms::Language::English => (&texts.en, "en."),
        };
        let template = |kind: Kind, own: &Option<String>, common: &Option<String>| {
            let (text, code) = match (own, common) {
                (Some(own), _) => (own.as_str(), code),
                (None, Some(common)) => (common.as_str(), ""),
                (None, None) => (kind.default_text(language), code),
            };
            let key = || format!("sms.texts.{code}{}", kind.as_str());
            // A phone breaks lines, and shows nothing good of the others.
            let is_unseen = |c: char| (c.is_control() && c != '\n' && c != '\r') || is_invisible(c);
            anyhow::ensure!(
                !text.contains(is_unseen),
                "{}: it has a control character or one that cannot be seen: write the text anew",
                key()
            );
            Template::parse(kind, text, settings.sms.charset).with_context(key)
        };
        Ok(Self {
            missed: template(Kind::Missed, &own.missed, &texts.missed)?,
            missed_unnumbered: template(
                Kind::MissedUnnumbered,
                &own.missed_unnumbered,
                &texts.missed_unnumbered,
            )?,
            withheld: template(Kind::Withheld, &own.withheld, &texts.withheld)?,
            digest: template(Kind::Digest, &own.digest, &texts.digest)?,
            digest_withheld: template(
                Kind::DigestWithheld,
                &own.digest_withheld,
                &texts.digest_withheld,
            )?,
        })
    }

    fn all(&self) -> [(Kind, &Template); 5] {
        [
            (Kind::Missed, &self.missed),
            (Kind::MissedUnnumbered, &self.missed_unnumbered),
            (Kind::Withheld, &self.withheld),
            (Kind::Digest, &self.digest),
            (Kind::DigestWithheld, &self.digest_withheld),
        ]
    }
}

#[cfg(test)]
mod tests;
