//! Places calls to a controller from the command line.

mod arguments;
mod reach;
mod report;

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use fakeswitch::{Config, Invite, Phone, Switch};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    arguments::{Arguments, Callee},
    report::{Report, Role},
};

/// How long the legs may take to end when the callers are done.
const FAREWELL: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever read the report has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every script took all its steps.
async fn run(arguments: &Arguments) -> io::Result<bool> {
    let switch = Switch::start(Config {
        controllers: arguments.controllers.clone(),
        event_socket: arguments.event_socket,
        password: arguments.password.clone(),
        cdr_dir: arguments.cdr_dir.clone(),
        apology: arguments.apology.clone(),
        gateway: arguments.gateway.clone(),
        ..Config::default()
    })
    .await?;
    if let Some(address) = switch.event_socket() {
        writeln!(io::stderr(), "event socket: {address}")?;
    }
    let (done, mut rung) = unbounded_channel();
    let mut attending = JoinSet::new();
    for phone in &arguments.phones {
        attending.spawn(attend(switch.attend(&phone.number), phone.clone(), done.clone()));
    }
    drop(done);
    let callers: JoinSet<_> = (0..arguments.calls)
        .map(|_| arguments.script.clone().run(switch.call(invite(arguments))))
        .collect();
    let number = &arguments.from;
    let mut reports: Vec<_> = callers
        .join_all()
        .await
        .into_iter()
        .map(|transcript| Report { role: Role::Caller, number: number.clone(), transcript })
        .collect();

    settle(&switch).await;
    // What still goes on, ends here; then every script does.
    switch.stop().await;
    attending.shutdown().await;
    while let Some(report) = rung.recv().await {
        reports.push(report);
    }
    report::write(&mut io::stdout().lock(), &reports, arguments.json)?;
    let callers = reports.iter().filter(|report| report.role == Role::Caller);
    reach::check(&arguments.controllers, callers.map(|caller| &caller.transcript)).await?;
    Ok(reports.iter().all(|report| report.transcript.failure.is_none()))
}

/// Hands each call to this number to a phone of its own.
async fn attend(
    mut calls: UnboundedReceiver<Phone>,
    Callee { number, script }: Callee,
    done: UnboundedSender<Report>,
) {
    while let Some(phone) = calls.recv().await {
        let (number, script, done) = (number.clone(), script.clone(), done.clone());
        tokio::spawn(async move {
            let transcript = script.run(phone).await;
            // Nobody waits for it any more when the report failed.
            let _ = done.send(Report { role: Role::Callee, number, transcript });
        });
    }
}

/// Waits until every leg is over and its CDR file written.
async fn settle(switch: &Switch) {
    let until = Instant::now() + FAREWELL;
    while switch.legs() > 0 && Instant::now() < until {
        sleep(Duration::from_millis(20)).await;
    }
}

fn invite(arguments: &Arguments) -> Invite {
    let invite = Invite::new(&arguments.from, &arguments.to);
    let invite = match &arguments.name {
        Some(name) => invite.name(name),
        None => invite,
    };
    arguments.variables.iter().fold(invite, |invite, (name, value)| invite.variable(name, value))
}
