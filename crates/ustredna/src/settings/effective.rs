//! What is set, as it takes effect, without what nobody else may know: so that two programs can find
//! out whether they go by the same settings.

use std::path::Path;

use super::{Settings, section::Section};

impl Settings {
    /// Every setting by its key, with a text that is another one when its effect is. Secrets, and what
    /// may hold one (`database.url`, a provider's URL, the arguments of `alarm.command`), are not in it.
    pub(crate) fn effective(&self) -> Vec<(String, String)> {
        let sections = self.sections();
        let is_section = |key: &String| sections.iter().any(|(name, _)| name == key);
        let mut all = Vec::new();
        for (name, section) in &sections {
            for (key, shown) in section.values() {
                let key = format!("{name}.{key}");
                if !is_section(&key) {
                    let value = self.value(&key, shown);
                    all.extend(value.map(|value| (key, value)));
                }
            }
        }
        all
    }

    /// `None`: it is nobody's to know.
    fn value(&self, key: &str, shown: String) -> Option<String> {
        let Self { exchange, recordings, alarm, cdr, sms, .. } = self;
        let folder = |folder: &Path| {
            let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
            Some(whole.display().to_string())
        };
        match key {
            "exchange.outbound_hotline" => Some(exchange.outbound_hotline.to_string()),
            "exchange.callback_hotline" => Some(exchange.callback_hotline.to_string()),
            "exchange.name" => Some(self.exchange_name()),
            "database.url" => None,
            "recordings.dir" => folder(&recordings.dir),
            "cdr.dir" => folder(&cdr.dir),
            "cdr.keep" if !cdr.keep.as_os_str().is_empty() => folder(&cdr.keep),
            "prompts.dir" => Some(self.switch_prompts().unwrap_or(shown)),
            "sms.spool.dir" => folder(&sms.spool.dir),
            "alarm.command" => Some(format!("{:?}", alarm.command.first())),
            "sms.http" => Some(match &sms.http {
                Some(http) => format!(
                    "{:?} {:?} {:?} {:?} {:?} {:?}",
                    http.method,
                    http.number,
                    http.from,
                    http.connect_timeout,
                    http.timeout,
                    http.answer
                ),
                None => shown,
            }),
            _ => Some(shown),
        }
    }

    fn sections(&self) -> [(&'static str, &dyn Section); 21] {
        let Self { exchange, destinations, limits, pin, database, switch, callbacks, .. } = self;
        let Self { recordings, alarm, cdr, prompts, sms, web, log, .. } = self;
        [
            ("exchange", exchange),
            ("destinations", destinations),
            ("limits", limits),
            ("pin", pin),
            ("database", database),
            ("switch", switch),
            ("callbacks", callbacks),
            ("recordings", recordings),
            ("recordings.retention", &recordings.retention),
            ("recordings.archive", &recordings.archive),
            ("alarm", alarm),
            ("cdr", cdr),
            ("prompts", prompts),
            ("sms", sms),
            ("sms.throttle", &sms.throttle),
            ("sms.spool", &sms.spool),
            ("sms.texts", &sms.texts),
            ("sms.texts.cs", &sms.texts.cs),
            ("sms.texts.en", &sms.texts.en),
            ("web", web),
            ("log", log),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SECTIONS;

    #[test]
    fn every_key_is_there_once_and_no_secret() {
        let text = "[database]\nurl = \"postgres://me:hunter2@x/y\"\n\
                    [switch]\npassword = \"hunter2\"\n\
                    [alarm]\nwebhook = \"https://hunter2\"\ncommand = [\"/bin/page\", \"hunter2\"]\n\
                    [sms.http]\nurl = \"https://x/hunter2\"\nheaders = { A = \"hunter2\" }\n\
                    form = { a = \"hunter2\" }\nsecrets = { t = \"hunter2\" }\n\
                    basic = { user = \"me\", password = \"hunter2\" }\n\
                    [sms.smpp]\nhost = \"x\"\nsystem_id = \"me\"\npassword = \"hunter2\"\n\
                    [sms.reports]\nsecret = \"hunter2hunter2hunter2\"\nid = \"i\"\nstatus = \"s\"\n\
                    delivered = []\nfailed = []\n";
        let settings: Settings = toml::from_str(text).unwrap();
        let told = settings.effective();
        assert!(!format!("{told:?}").contains("hunter2"), "{told:?}");
        let names = |key: &str| told.iter().filter(|(name, _)| name == key).count();
        for (section, keys) in SECTIONS {
            for key in keys.iter().map(|key| format!("{section}.{key}")) {
                let is_section = SECTIONS.iter().any(|(section, _)| *section == key);
                let expected = usize::from(!is_section && key != "database.url");
                assert_eq!(names(&key), expected, "{key}");
            }
        }
    }
}
