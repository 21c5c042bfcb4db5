//! A TCP proxy that works, breaks and freezes at will.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
    task::JoinHandle,
};

/// What it does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Passes everything on.
    Works,
    /// Closes what is open and refuses what is new, as a server that was stopped.
    Broken,
    /// Accepts, and passes nothing on until it works again, as a server under SIGSTOP.
    Frozen,
}

#[derive(Debug, Clone, Copy)]
struct State {
    mode: Mode,
    /// Connections with a lower number pass nothing on any more, for ever.
    lost_below: u64,
}

/// Stands between the program and a server. Goes away when dropped, and all connections with it.
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
    numbers: Arc<std::sync::atomic::AtomicU64>,
}

impl Proxy {
    /// Begins to listen on a free port of loopback and to pass everything on to the server that the URL names.
    ///
    /// # Panics
    /// When no port is free, or the URL has no host.
    pub async fn to(url: &str) -> Self {
        let server = server_of(url);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the port");
        let (state, watched) = watch::channel(State {
            mode: Mode::Works,
            lost_below: 0,
        });
        let numbers = Arc::default();
        let accepting = tokio::spawn(accept(
            listener,
            address,
            server.to_owned(),
            watched,
            Arc::clone(&numbers),
        ));
        Self {
            address,
            state,
            accepting,
            numbers,
        }
    }

    /// The same URL, leading here.
    ///
    /// # Panics
    /// When the URL has no host.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        url.replacen(server_of(url), &self.address.to_string(), 1)
    }

    /// Works, from now on; what was frozen goes on where it was.
    pub fn restore(&self) {
        self.set(Mode::Works);
    }

    /// Closes what is open and refuses what is new.
    pub fn break_off(&self) {
        self.set(Mode::Broken);
    }

    /// Passes nothing on until it is restored.
    pub fn freeze(&self) {
        self.set(Mode::Frozen);
    }

    /// The connections of this moment pass nothing on any more, and nobody is told; new ones work. So it is when a
    /// machine on the way has forgotten them.
    pub fn lose_connections(&self) {
        let number = self.numbers.load(std::sync::atomic::Ordering::SeqCst);
        self.state.send_modify(|state| state.lost_below = number);
    }

    fn set(&self, mode: Mode) {
        self.state.send_modify(|state| state.mode = mode);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// `host:port` of a URL.
fn server_of(url: &str) -> &str {
    let (_, rest) = url.split_once("://").expect("a URL");
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, server)| server)
}

async fn accept(
    listener: TcpListener,
    address: SocketAddr,
    server: String,
    mut state: watch::Receiver<State>,
    numbers: Arc<std::sync::atomic::AtomicU64>,
) {
    let mut listener = Some(listener);
    loop {
        let broken = state.borrow_and_update().mode == Mode::Broken;
        if broken {
            listener = None;
            if state.changed().await.is_err() {
                return;
            }
            continue;
        }
        if listener.is_none() {
            listener = Some(TcpListener::bind(address).await.expect("the same port again"));
        }
        let Some(open) = &listener else { return };
        tokio::select! {
            accepted = open.accept() => {
                let Ok((client, _)) = accepted else { continue };
                let number = numbers.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                tokio::spawn(carry(client, server.clone(), state.clone(), number));
            }
            changed = state.changed() => if changed.is_err() { return },
        }
    }
}

/// Carries one connection until an end closes it, or the proxy breaks.
async fn carry(client: TcpStream, server: String, state: watch::Receiver<State>, number: u64) {
    if !passes(&mut state.clone(), number).await {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    // Each byte goes at once, or the proxy would add delays that the servers do not have.
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let mut watched = state.clone();
    tokio::select! {
        () = pump(client_reads, server_writes, state.clone(), number) => {}
        () = pump(server_reads, client_writes, state, number) => {}
        _ = watched.wait_for(|state| state.mode == Mode::Broken) => {}
    }
}

async fn pump(
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    number: u64,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        if !passes(&mut state, number).await || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// Waits while frozen or lost. False when the connection is over.
async fn passes(state: &mut watch::Receiver<State>, number: u64) -> bool {
    let moves = |state: &State| state.mode != Mode::Frozen && number >= state.lost_below;
    state
        .wait_for(moves)
        .await
        .is_ok_and(|state| state.mode == Mode::Works)
}
