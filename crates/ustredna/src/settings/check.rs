//! Values that are well-formed, but by themselves or together of no use.
//!
//! Each error says first which key it is about.

use std::{
    path::{Component, Path, PathBuf},
    time::Duration,
};

use anyhow::ensure;
use secrecy::ExposeSecret;

use super::Settings;
use crate::text;

impl Settings {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.numbers_and_ports()?;
        self.times()?;
        self.folders()?;
        let name = &self.exchange.name;
        ensure!(
            name.is_empty() || (text::read(name).as_ref() == Ok(name) && name.len() <= 64),
            "exchange.name: write at most 64 characters that can be seen, without spaces at the ends, \
             for example \"north\""
        );
        store::check_url(self.database.url.expose_secret())?;
        crate::alarm::check(&self.alarm)?;
        self.sms.check()
    }

    fn numbers_and_ports(&self) -> anyhow::Result<()> {
        let Self { exchange, switch, web, .. } = self;
        ensure!(
            exchange.outbound_hotline != exchange.callback_hotline,
            "exchange.outbound_hotline and exchange.callback_hotline are the same number: \
             callers could not be told apart; write two numbers"
        );
        ensure!(
            switch.max_calls > 0,
            "switch.max_calls = 0: no call would be taken; write 1 or more, for example 1000"
        );
        ensure!(
            !switch.allow.is_empty(),
            "switch.allow is empty: no FreeSWITCH could connect; write for example [\"127.0.0.0/8\"]"
        );
        ensure!(
            switch.listen.port() == 0 || switch.listen != web.listen,
            "web.listen is switch.listen: write another port, for example \"127.0.0.1:8080\""
        );
        let password = switch.password.as_ref().map(ExposeSecret::expose_secret);
        ensure!(
            !password.is_some_and(|password| password.chars().any(char::is_control)),
            "switch.password has a line break or another control character: write the password of \
             FreeSWITCH's event socket (ESL_PASSWORD)"
        );
        Ok(())
    }

    /// Port 0 is any free one: right for an exchange whose address is asked for by who started it.
    pub(super) fn known_ports(&self) -> anyhow::Result<()> {
        for (key, address, example) in [
            ("switch.listen", self.switch.listen, "127.0.0.1:8084"),
            ("switch.inbound", self.switch.inbound, "127.0.0.1:8021"),
            ("web.listen", self.web.listen, "127.0.0.1:8080"),
        ] {
            ensure!(
                address.port() != 0,
                "{key} has the port 0, which nobody could know: write for example \"{example}\""
            );
        }
        Ok(())
    }

    fn times(&self) -> anyhow::Result<()> {
        let Self { switch, callbacks, pin, sms, .. } = self;
        for (key, span, why, example) in [
            ("switch.ring_timeout", switch.ring_timeout, "no phone would ring", "40s"),
            ("callbacks.ring_timeout", callbacks.ring_timeout, "no phone would ring", "25s"),
            ("pin.lock", pin.lock, "a PIN could be tried for ever", "15m"),
        ] {
            ensure!(
                span.std() >= Duration::from_secs(1),
                "{key} is under a second: {why}; write for example \"{example}\""
            );
        }
        for (key, span) in
            [("callbacks.sms_delay", callbacks.sms_delay), ("sms.ticket_gap", sms.ticket_gap)]
        {
            ensure!(
                span.std() < sms.expiry.std(),
                "{key} is not shorter than sms.expiry: messages would expire before they are sent; write \
                 for example \"10m\" and expiry = \"6h\""
            );
        }
        ensure!(
            callbacks.ticket_ttl.std() > callbacks.sms_delay.std(),
            "callbacks.ticket_ttl is not longer than callbacks.sms_delay: tickets would expire before their \
             SMS is read; write for example \"7d\""
        );
        Ok(())
    }

    fn folders(&self) -> anyhow::Result<()> {
        let Self { recordings, cdr, prompts, sms, .. } = self;
        let folders = [
            ("recordings.dir", recordings.dir.as_path()),
            ("cdr.dir", cdr.dir.as_path()),
            ("sms.spool.dir", sms.spool.dir.as_path()),
            ("cdr.keep", cdr.keep.as_path()),
        ];
        let is_set =
            |(key, folder): &(&str, &Path)| *key != "cdr.keep" || !folder.as_os_str().is_empty();
        for (key, folder) in folders.iter().filter(|folder| is_set(folder)) {
            let written = folder.to_string_lossy();
            ensure!(
                !text::visible(&written).is_empty(),
                "{key} is empty: write a folder, for example \"/var/lib/ustredna\""
            );
            ensure!(
                !written.chars().any(char::is_control),
                "{key} has a line break or another control character: write for example \
                 \"/var/lib/ustredna\""
            );
            let parts = parts(folder);
            ensure!(
                parts != Path::new("/") && !parts.as_os_str().is_empty(),
                "{key} is the whole disk or the current folder: write one of its own, for example \
                 \"/var/lib/ustredna\""
            );
        }
        ensure!(
            !prompts.dir.is_empty(),
            "prompts.dir is empty: write the folder with cs and en, for example \
             \"/usr/share/ustredna/sounds\""
        );
        // A path through links may still lead to the same one.
        let same = |one: &Path, other: &Path| {
            let whole = |folder: &Path| std::path::absolute(folder).map(|folder| parts(&folder));
            matches!((whole(one), whole(other)), (Ok(one), Ok(other)) if one == other)
        };
        for (at, (key, folder)) in folders.iter().enumerate() {
            if let Some((other, _)) = folders[..at].iter().find(|(_, other)| same(folder, other)) {
                anyhow::bail!("{key} is {other}: write a folder of its own");
            }
        }
        Ok(())
    }
}

/// The path without `.`, and without what a `..` behind it takes back.
pub(crate) fn parts(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if parts.file_name().is_some() => {
                parts.pop();
            }
            Component::ParentDir if parts.has_root() => {}
            Component::ParentDir
            | Component::Normal(_)
            | Component::RootDir
            | Component::Prefix(_) => {
                parts.push(part);
            }
        }
    }
    parts
}
