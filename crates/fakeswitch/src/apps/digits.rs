//! `play_and_get_digits` (switch_ivr_play_say.c, `switch_ivr_read`).

use std::time::Duration;

use tokio::time::Instant;

use super::{pattern, play::Keys};
use crate::session::Session;

/// The application's arguments.
#[derive(Debug)]
struct Gather<'a> {
    min: usize,
    max: usize,
    tries: u32,
    timeout: Duration,
    terminators: &'a str,
    prompt: &'a str,
    invalid: &'a str,
    variable: &'a str,
    pattern: &'a str,
    digit_timeout: Duration,
}

/// How collecting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collected {
    Success,
    Timeout,
    Failure,
}

impl<'a> Gather<'a> {
    /// `min max tries timeout terminators prompt invalid [variable [pattern [digit-timeout]]]`
    fn parse(data: &'a str) -> Option<Self> {
        let words: Vec<&str> = data.split(' ').filter(|word| !word.is_empty()).collect();
        let [min, max, tries, timeout, terminators, prompt, invalid, optional @ ..] = &words[..]
        else {
            return None;
        };
        let number = |text: &str| text.parse::<u64>().unwrap_or_default();
        let size = |text: &str| usize::try_from(number(text)).unwrap_or_default().min(128);
        // The floors of mod_dptools.c.
        let timeout = Duration::from_millis(number(timeout).max(1000));
        let digit_timeout = match optional.get(2).map_or(0, |text| number(text)) {
            0 => timeout,
            millis => Duration::from_millis(millis),
        };
        let min = size(min);
        Some(Self {
            min,
            max: size(max).max(1).max(min),
            tries: u32::try_from(number(tries)).unwrap_or(1).max(1),
            timeout,
            terminators,
            prompt,
            invalid,
            variable: optional.first().copied().unwrap_or_default(),
            pattern: optional.get(1).copied().unwrap_or_default(),
            digit_timeout,
        })
    }
}

impl Session {
    pub(super) async fn play_and_get_digits(&mut self, data: &str) {
        let Some(gather) = Gather::parse(data) else { return };
        let invalid = format!("{}_invalid", gather.variable);
        if !gather.pattern.is_empty() {
            self.leg.lock().variables.unset(&invalid);
        }
        for _ in 0..gather.tries {
            if !self.leg.is_ready() {
                return;
            }
            let (digits, collected) = self.read(&gather).await;
            let enough = digits.len() >= gather.min;
            let good =
                collected == Collected::Success || (collected == Collected::Timeout && enough);
            let terminated = self.leg.variable("read_terminator_used").is_some();
            // With min=0 nothing but a terminator is an entry, be it an old one.
            if gather.min == 0 && digits.is_empty() && terminated {
                return;
            }
            if good && !digits.is_empty() {
                if gather.pattern.is_empty() || pattern::matches(gather.pattern, &digits) {
                    return;
                }
                let variables = &mut self.leg.lock().variables;
                variables.unset(gather.variable);
                variables.set(&invalid, &digits);
            }
            if !self.leg.is_ready() {
                return;
            }
            // After the last try, too. There may be no such file.
            let _ = self.play(gather.invalid, Keys::Eat("*")).await;
        }
    }

    /// `switch_ivr_read`: the digits, which are in the variable as well.
    async fn read(&mut self, gather: &Gather<'_>) -> (String, Collected) {
        {
            let variables = &mut self.leg.lock().variables;
            variables.unset("read_result");
            variables.unset(gather.variable);
        }
        if gather.prompt != "silence" && self.play(gather.prompt, Keys::Keep).await.is_err() {
            // Nothing is set and nothing collected when the prompt is missing.
            return (String::new(), Collected::Failure);
        }
        let (digits, terminator, mut collected) = self.collect(gather).await;
        if let Some(terminator) = terminator {
            // It is never cleared.
            self.leg.set("read_terminator_used", &terminator.to_string());
        }
        if digits.len() < gather.min {
            collected = Collected::Failure;
        }
        let variables = &mut self.leg.lock().variables;
        variables.set(
            "read_result",
            match collected {
                Collected::Success => "success",
                Collected::Timeout => "timeout",
                Collected::Failure => "failure",
            },
        );
        let lone = gather.max == 1 && digits.starts_with(|key| gather.terminators.contains(key));
        if !gather.variable.is_empty() && !digits.is_empty() && !lone {
            variables.set(gather.variable, &digits);
        }
        (digits, collected)
    }

    /// `switch_ivr_collect_digits_count`. The first key has its time from the prompt's end, each
    /// further one from the key before.
    async fn collect(&mut self, gather: &Gather<'_>) -> (String, Option<char>, Collected) {
        let mut digits = String::new();
        let mut until = Instant::now() + gather.timeout;
        loop {
            while let Some(key) = self.leg.take_key() {
                if gather.terminators.contains(key) {
                    return (digits, Some(key), Collected::Success);
                }
                digits.push(key);
                if digits.len() >= gather.max {
                    return (digits, None, Collected::Success);
                }
                until = Instant::now() + gather.digit_timeout;
            }
            if !self.leg.is_ready() {
                // A hang-up in mid-entry leaves what there is, and says so.
                return (digits, None, Collected::Success);
            }
            if Instant::now() >= until {
                return (digits, None, Collected::Timeout);
            }
            self.pause(Some(until)).await;
        }
    }
}
