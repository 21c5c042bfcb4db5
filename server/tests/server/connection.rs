//! Connections on a real socket: who asks nothing or reads nothing is let go of, and nobody else.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use futures::stream;
use rapport_server::connection::{self, Patience};
use rapport_testing::eventually;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};

const SOON: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_millis(300);
/// Longer than anybody is waited for.
const LONG: Duration = Duration::from_millis(900);
const HEAD: &str = "HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A server that waits for nobody.
struct Server {
    address: SocketAddr,
    /// How many endless answers there are.
    endless: Arc<AtomicUsize>,
    stop: oneshot::Sender<()>,
    over: JoinHandle<()>,
}

/// One more of something, until it is dropped.
struct One(Arc<AtomicUsize>);

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn without_end(many: Arc<AtomicUsize>) -> Body {
    many.fetch_add(1, Ordering::SeqCst);
    let one = One(many);
    Body::from_stream(stream::repeat_with(move || {
        let _held = &one;
        Ok::<_, Infallible>(vec![b'x'; 64 * 1024])
    }))
}

impl Server {
    async fn start() -> Self {
        let endless = Arc::new(AtomicUsize::new(0));
        let many = Arc::clone(&endless);
        let app = Router::new()
            .route("/endless", get(async move || without_end(Arc::clone(&many))))
            .route(
                "/slow",
                get(async || {
                    sleep(LONG).await;
                    "done"
                }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let patience = Patience {
            request: PATIENCE,
            // Longer: whoever reads on this busy machine has to be in time.
            reader: 5 * PATIENCE,
        };
        let (stop, stopped) = oneshot::channel();
        let over = tokio::spawn(connection::serve(listener, app, patience, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            endless,
            stop,
            over,
        }
    }

    async fn ask(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    async fn endless_are(&self, many: usize) {
        eventually(&format!("{many} answers without an end"), SOON, || async {
            self.endless.load(Ordering::SeqCst) == many
        })
        .await;
    }
}

/// What comes until the other side is gone.
async fn all_of(mut stream: TcpStream) -> String {
    let mut text = String::new();
    let read = timeout(SOON, stream.read_to_string(&mut text));
    read.await.expect("it is kept for ever").unwrap();
    text
}

#[tokio::test]
async fn who_reads_nothing_is_let_go_of_and_who_reads_is_not() {
    let server = Server::start().await;
    let mut reads = server.ask(&format!("GET /endless {HEAD}")).await;
    let silent = server.ask(&format!("GET /endless {HEAD}")).await;
    server.endless_are(2).await;
    let mut buffer = vec![0; 64 * 1024];
    let reading = async {
        loop {
            reads.read_exact(&mut buffer).await.unwrap();
        }
    };
    tokio::select! {
        () = reading => {}
        () = server.endless_are(1) => {}
    }
    // The one that is left is the one that reads.
    for _ in 0..1_000 {
        reads.read_exact(&mut buffer).await.unwrap();
    }
    drop((silent, reads));
    server.endless_are(0).await;
}

#[tokio::test]
async fn a_request_that_does_not_come_is_not_waited_for() {
    let server = Server::start().await;
    for begun in ["", "GET /slow HTTP/1.1\r\nHost: local"] {
        assert!(!all_of(server.ask(begun).await).await.contains("done"));
    }
    // The answer takes longer than a request may; then nothing else is asked.
    let answer = all_of(server.ask(&format!("GET /slow {HEAD}")).await).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"),
        "{answer}"
    );
}

#[tokio::test]
async fn what_is_under_way_is_answered_before_the_end() {
    let server = Server::start().await;
    let asked = server.ask(&format!("GET /slow {HEAD}")).await;
    let idle = server.ask("").await;
    let answer = tokio::spawn(all_of(asked));
    // It has arrived once a later one has been let go of.
    all_of(idle).await;
    server.stop.send(()).unwrap();
    timeout(SOON, server.over)
        .await
        .expect("it does not stop")
        .unwrap();
    assert!(answer.await.unwrap().ends_with("done"));
    assert!(TcpStream::connect(server.address).await.is_err());
}
