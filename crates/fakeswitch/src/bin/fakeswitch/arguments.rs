//! What is typed.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
};

use clap::Parser;
use fakeswitch::Script;

const HELP: &str = "\
Steps of a script, with `;` between them (times: 20s, 1.5s, 300ms, 2m):
  hears NAME             wait until the sound file …/NAME.wav begins (2 min at most)
  keys KEYS              press keys: 0 to 9, * and #
  talks TIME             wait for the other side (2 min at most), then speak for so long
  sings HZ TIME          sound a tone at once, for so long
  sings HZ until hangup [TIME]
                         the same until the call is over, within this time
  waits TIME             do nothing
  listens [TIME]         wait until the call is over, within this time
  hangs up               hang up, as every script does at its end
and for a called phone:
  rings [TIME]           ring for so long, or until the caller gives up
  early media            send media before the answer
  answers                answer
  rejects STATUS         refuse with a SIP status: 486 busy, 603 declined, 404 no such number

Examples:
  A call that is only refused:
    fakeswitch --controller 127.0.0.1:8084 --from +420601123456 --to 234234399 \\
        --script 'listens 30s'

  A call with a menu and a callee, with CDR files:
    fakeswitch --controller 127.0.0.1:8084 --cdr-dir cdr \\
        --from +420601123456 --to 234234399 \\
        --script 'hears enter-id; keys 2#; hears enter-destination; keys 234567890#; talks 3s' \\
        --phone '+420234567890: rings 1s; answers; talks 10s'

  A hundred callers at once, one JSON object a phone:
    fakeswitch --controller 127.0.0.1:8084 --calls 100 --json \\
        --from +420601123456 --to 234234399 --script 'hears welcome; hangs up' | jq .failure

Status: 0 when every script took all its steps, 1 when one did not, 2 when nothing could be tried.";

/// Call a controller as FreeSWITCH's event socket does, without FreeSWITCH
///
/// Dials the controller for every call, as the dialplan application `socket HOST:PORT async full` does,
/// runs what it asks for, and lets phones at both ends follow scripts. Tells what each phone saw.
#[derive(Debug, Parser)]
#[command(name = "fakeswitch", version, after_help = HELP)]
pub(crate) struct Arguments {
    /// The controller; given several times, they are tried in this order
    #[arg(long = "controller", value_name = "HOST:PORT", required = true, value_parser = address)]
    pub(crate) controllers: Vec<SocketAddr>,

    /// The caller's number; `anonymous` withholds it
    #[arg(long, value_name = "NUMBER", value_parser = one_line)]
    pub(crate) from: String,

    /// The number that is called
    #[arg(long, value_name = "NUMBER", value_parser = one_line)]
    pub(crate) to: String,

    /// What the caller does, step by step
    #[arg(long, value_name = "STEPS", value_parser = script)]
    pub(crate) script: Script,

    /// A phone that can be called, and what it does; once for each. All other numbers do not exist
    #[arg(long = "phone", value_name = "NUMBER: STEPS", value_parser = callee)]
    pub(crate) phones: Vec<Callee>,

    /// The caller's display name [default: the number]
    #[arg(long, value_parser = one_line)]
    pub(crate) name: Option<String>,

    /// A variable of the caller's channel, such as sip_h_Diversion; once for each
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) variables: Vec<(String, String)>,

    /// How many such callers call at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) calls: u32,

    /// Where FreeSWITCH's own event socket listens; port 0 takes any. If not given, nowhere
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub(crate) event_socket: Option<SocketAddr>,

    /// The password of the event socket
    #[arg(long, default_value = "ClueCon")]
    pub(crate) password: String,

    /// Where CDR files are written, as mod_json_cdr does. If not given, nowhere
    #[arg(long, value_name = "DIR")]
    pub(crate) cdr_dir: Option<PathBuf>,

    /// What a caller hears whose controller is lost or does not answer
    #[arg(long, value_name = "FILE.wav")]
    pub(crate) apology: Option<PathBuf>,

    /// The gateway that the controller dials through
    #[arg(long, default_value = "carrier", value_parser = one_line)]
    pub(crate) gateway: String,

    /// Tell what the phones saw as JSON, an object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// A phone that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Callee {
    pub(crate) number: String,
    pub(crate) script: Script,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    found.next().ok_or_else(|| "it has no address".to_owned())
}

/// Numbers and names become parts of a report, of headers and of events.
fn one_line(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("control characters, such as the end of a line, are no part of it".to_owned());
    }
    Ok(text.to_owned())
}

/// Its steps may stand in lines of their own.
fn script(text: &str) -> Result<Script, String> {
    one_line(&text.replace(char::is_whitespace, " "))?;
    text.parse::<Script>().map_err(|error| error.to_string())
}

fn callee(text: &str) -> Result<Callee, String> {
    let (number, steps) = text
        .split_once(':')
        .map(|(number, steps)| (number.trim(), steps))
        .filter(|(number, _)| !number.is_empty())
        .ok_or("write NUMBER: STEPS, as in '+420234567890: rings 1s; answers'")?;
    Ok(Callee { number: one_line(number)?, script: script(steps)? })
}

fn variable(text: &str) -> Result<(String, String), String> {
    one_line(text)?
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "write NAME=VALUE".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _, error::ErrorKind};

    use super::{Arguments, HELP};

    const CALL: &str = "fakeswitch --controller 127.0.0.1:8084 --from +420601123456 --to 234234399";

    fn parse(rest: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(CALL.split(' ').chain(rest.iter().copied()))
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_call_needs_a_controller_two_numbers_and_a_script() {
        let arguments = parse(&["--script", "hears id; keys 2#"]).unwrap();
        assert_eq!(arguments.controllers, ["127.0.0.1:8084".parse().unwrap()]);
        assert_eq!(arguments.script, "hears id; keys 2#".parse().unwrap());
        assert_eq!((arguments.calls, arguments.json), (1, false));
        assert_eq!((arguments.gateway, arguments.password), ("carrier".into(), "ClueCon".into()));
        assert_eq!(parse(&[]).unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn phones_controllers_and_variables_may_be_many() {
        let arguments = parse(&[
            "--script",
            "listens",
            "--controller",
            "[::1]:8084",
            "--phone",
            "+420234567890: rings 1s; answers",
            "--phone",
            "+420234567891:rejects 486",
            "--variable",
            "sip_h_Diversion=<sip:1@example.com>;a=b",
        ])
        .unwrap();
        assert_eq!(arguments.controllers.len(), 2);
        let phones: Vec<_> =
            arguments.phones.iter().map(|phone| (phone.number.as_str(), &phone.script)).collect();
        assert_eq!(
            phones,
            [
                ("+420234567890", &"rings 1s; answers".parse().unwrap()),
                ("+420234567891", &"rejects 486".parse().unwrap())
            ]
        );
        let variable = ("sip_h_Diversion".to_owned(), "<sip:1@example.com>;a=b".to_owned());
        assert_eq!(arguments.variables, [variable]);
    }

    #[test]
    fn mistakes_are_told_in_words() {
        for (arguments, told) in [
            (["--script", "dances"], "\"dances\" is no step"),
            (["--phone", "answers"], "write NUMBER: STEPS"),
            (["--phone", "+420: sleeps"], "\"sleeps\" is no step"),
            (["--variable", "name"], "write NAME=VALUE"),
            (["--controller", "nowhere"], "invalid socket address"),
            (["--calls", "0"], "0 is not in 1..=10000"),
        ] {
            let error = parse(&arguments).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ValueValidation, "{arguments:?}");
            assert!(error.to_string().contains(told), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn numbers_and_names_are_of_one_line() {
        for arguments in [
            ["--from", "+420\nX"],
            ["--to", "234\u{1b}[2J"],
            ["--name", "Jana\r\nX-Header: 1"],
            ["--phone", "+420\u{7f}1: answers"],
            ["--phone", "+420: hears \u{1b}[2J"],
            ["--script", "hears \u{7}"],
            ["--variable", "na\nme=value"],
            ["--variable", "name=val\nue"],
            ["--gateway", "car\0rier"],
        ] {
            let others = [("--from", "1"), ("--to", "2"), ("--script", "listens")]
                .into_iter()
                .filter(|(name, _)| *name != arguments[0])
                .flat_map(|(name, value)| [name, value]);
            let all = ["fakeswitch", "--controller", "127.0.0.1:8084"].into_iter().chain(others);
            let error = Arguments::try_parse_from(all.chain(arguments)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ValueValidation, "{arguments:?}");
            assert!(error.to_string().contains("control characters"), "{arguments:?}: {error}");
        }
        // A script from a file has lines.
        assert!(
            parse(&["--script", "hears id;\n\tkeys 2#\r\n", "--name", "Jana Nováková"]).is_ok()
        );
    }

    /// Every other piece between apostrophes is one argument.
    fn words(command: &str) -> Vec<&str> {
        let pieces = command.split(" |").next().unwrap().split('\'').enumerate();
        pieces
            .flat_map(
                |(place, piece)| {
                    if place % 2 == 1 { vec![piece] } else { piece.split_whitespace().collect() }
                },
            )
            .collect()
    }

    #[test]
    fn the_examples_are_right() {
        let text = HELP.replace("\\\n", "");
        let examples: Vec<_> =
            text.lines().filter(|line| line.trim().starts_with("fakeswitch ")).collect();
        assert_eq!(examples.len(), 3);
        for example in examples {
            Arguments::try_parse_from(words(example)).unwrap();
        }
    }

    /// They can be typed as they stand there, in a checkout.
    #[test]
    fn the_readme_s_commands_are_right() {
        let text = include_str!("../../../README.md").replace("\\\n", "");
        let commands: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        assert!(!commands.is_empty());
        for command in commands {
            let command = command.strip_prefix("cargo run --release -p ").unwrap();
            let (program, arguments) = command.split_once(" -- ").unwrap();
            assert_eq!(program, "fakeswitch");
            let all = std::iter::once(program).chain(words(arguments));
            match Arguments::try_parse_from(all) {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), ErrorKind::DisplayHelp, "{error}"),
            }
        }
    }
}
