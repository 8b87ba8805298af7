//! FreeSWITCH's own event socket (`listener_run` in mod_event_socket.c).

use std::{sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use uuid::Uuid;

use crate::{
    command::Commands,
    listener::Listener,
    obey::{Outcome, handle},
    office::{Connection, Life, Office},
    wire::{Flow, wire},
};

/// How long a peer may take for its first command.
pub(crate) const FIRST: Duration = Duration::from_secs(25);
const GOODBYE: &str = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n";

pub(crate) async fn accept(listener: TcpListener, office: Arc<Office>) {
    let mut life = office.life();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Out of descriptors or a peer gone: the next one may do better.
                if let Ok((stream, _)) = accepted {
                    let serving = Arc::clone(&office);
                    office.spawn(async move { serve(stream, serving).await });
                }
            }
            _ = life.wait_for(|life| *life != Life::Running) => return,
        }
    }
}

async fn serve(stream: TcpStream, office: Arc<Office>) {
    // Without it replies wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let (outlet, mut writing) = wire(writer, Vec::new());
    let mut flow = outlet.flow();
    let listener = Arc::new(Listener::new(outlet, None));
    let mut commands = Commands::new(reader);
    let mut connection = Connection::begun(&office);
    connection.serves(&listener);
    listener.send(b"Content-Type: auth/request\n\n".to_vec());
    let mut life = office.life();
    let mut authorised = false;
    loop {
        let now = *flow.borrow_and_update();
        if now == Flow::Killed {
            break;
        }
        let next = async {
            if authorised {
                commands.next().await
            } else {
                timeout(FIRST, commands.next()).await.unwrap_or(Ok(None))
            }
        };
        let command = tokio::select! {
            command = next, if now == Flow::Free => command,
            _ = flow.changed() => continue,
            _ = &mut writing => break,
            _ = life.wait_for(|life| *life != Life::Running) => break,
        };
        let Ok(Some(command)) = command else { break };
        if authorised {
            if handle(&office, &listener, None, &command) == Outcome::Ends {
                break;
            }
        } else if let Some(password) = command.arguments("auth ") {
            authorised = password == office.config.password;
            listener.reply(if authorised { "+OK accepted" } else { "-ERR invalid" });
            if !authorised {
                break;
            }
        } else if command.arguments("exit").is_some() {
            listener.reply("+OK bye");
            break;
        } else {
            listener.reply("-ERR command not found");
        }
    }
    drop(connection);
    goodbye(&listener, None);
    drop(listener);
    let killed = *flow.borrow() == Flow::Killed;
    see_off(writing, killed).await;
}

/// Lets what is unsent go. A peer that does not read keeps nobody, and one that was given up gets
/// nothing more.
pub(crate) async fn see_off(mut writing: JoinHandle<()>, killed: bool) {
    if !writing.is_finished() && (killed || timeout(FIRST, &mut writing).await.is_err()) {
        writing.abort();
    }
}

/// The last thing that a connection says.
pub(crate) fn goodbye(listener: &Listener, leg: Option<Uuid>) {
    let length = GOODBYE.len();
    let head = match leg {
        Some(leg) => format!(
            "Content-Type: text/disconnect-notice\nControlled-Session-UUID: {leg}\n\
             Content-Disposition: disconnect\nContent-Length: {length}\n\n"
        ),
        None => format!("Content-Type: text/disconnect-notice\nContent-Length: {length}\n\n"),
    };
    listener.send(format!("{head}{GOODBYE}").into_bytes());
}

#[cfg(test)]
mod tests {
    use super::see_off;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_waited_for_for_25_s_and_one_that_is_gone_is_not() {
        let began = tokio::time::Instant::now();
        let mut gone = tokio::spawn(async {});
        (&mut gone).await.unwrap();
        see_off(gone, false).await;
        see_off(tokio::spawn(std::future::pending()), true).await;
        assert_eq!(began.elapsed().as_secs(), 0);
        see_off(tokio::spawn(std::future::pending()), false).await;
        assert_eq!(began.elapsed().as_secs(), 25);
    }
}
