//! The listener and its connections, and how a listener stops listening for a while.

use super::{Shell, answer};
use crate::wire::Service;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

const BACKLOG: u32 = 1024;

pub async fn listen<S: Service>(shell: Arc<Shell<S>>, mut listener: TcpListener, address: SocketAddr) {
    let mut refusing = shell.refusing.subscribe();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(Arc::clone(&shell), stream))),
                // Out of file descriptors, most likely: give connections time to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            changed = refusing.changed() => {
                if changed.is_err() {
                    return;
                }
                let (_, for_ms) = *refusing.borrow_and_update();
                drop(listener);
                listener = match listen_again(address, for_ms).await {
                    Ok(listener) => listener,
                    Err(error) => {
                        eprintln!("sandbox: listening again on {address}: {error}");
                        return;
                    }
                };
            }
        }
    }
}

/// A socket that is bound and does not listen keeps the port ours while the kernel refuses all who knock.
async fn listen_again(address: SocketAddr, after_ms: u64) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
    socket.listen(BACKLOG)
}

async fn connection<S: Service>(shell: Arc<Shell<S>>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut refusing = shell.refusing.subscribe();
    let service = service_fn(|request| answer::answer(Arc::clone(&shell), request));
    let mut connection = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    loop {
        tokio::select! {
            // An error is a client that went away, or a fault that was ordered.
            _ = connection.as_mut() => return,
            // Kept-alive connections would let requests in past the closed port.
            Ok(()) = refusing.changed() => connection.as_mut().graceful_shutdown(),
        }
    }
}
