//! Connections: from where one comes in to the last answer on it. None lives on that nobody uses.

use std::{net::SocketAddr, pin::pin, time::Duration};

use axum::{Router, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tokio_io_timeout::TimeoutStream;
use tower::Service;

/// For how long the server waits for the other side of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a request, or the rest of its head.
    pub request: Duration,
    /// For room to send more: who reads nothing of what was sent is let go of.
    pub reader: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            // Longer than proxies keep a connection that may be of use again (Caddy: two minutes): one that is closed
            // just as the next request goes out on it would be a failure to somebody.
            request: Duration::from_secs(180),
            reader: Duration::from_secs(60),
        }
    }
}

/// Answers whoever comes until it is told to stop; then until all that is under way is answered.
pub async fn serve(
    mut listener: TcpListener,
    app: Router,
    patience: Patience,
    stop: impl Future<Output = ()>,
) {
    let open = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(patience.request);
    let mut app = app.into_make_service_with_connect_info::<SocketAddr>();
    let mut stop = pin!(stop);
    loop {
        let (stream, client) = tokio::select! {
            // Waits by itself when there are too many connections.
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stop => break,
        };
        // Without it small answers wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(patience.reader));
        let Ok(app) = app.call(client).await;
        let connection = http.serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(app));
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // How it ended is of no interest: whoever is gone is gone.
            let _ = connection.await;
        });
    }
    // Nobody else comes in.
    drop(listener);
    open.shutdown().await;
}
