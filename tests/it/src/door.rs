//! The doors at addresses of their own, for whoever delivers by HTTP.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Env;

pub struct OpenDoor {
    listener: TcpListener,
    /// Stripe's.
    pub url: String,
    /// Salesforce's.
    pub callout_url: String,
}

impl OpenDoor {
    pub async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (url, callout_url) =
            ["stripe/webhook", "salesforce/events"].map(|path| format!("http://{address}/{path}")).into();
        Self { listener, url, callout_url }
    }

    /// Whatever is delivered while this is done goes through the environment's doors.
    pub async fn during<T>(&self, env: &Env, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            () = self.serve(env) => unreachable!("it serves for ever"),
        }
    }

    async fn serve(&self, env: &Env) {
        loop {
            let (stream, _) = self.listener.accept().await.unwrap();
            answer(stream, env).await;
        }
    }
}

/// One request of one connection, as API Gateway hands it on.
async fn answer(mut stream: TcpStream, env: &Env) {
    let mut read = Vec::new();
    let (path, headers, body) = loop {
        if stream.read_buf(&mut read).await.unwrap() == 0 {
            return;
        }
        let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(read[..end].to_vec()).unwrap();
        let body = &read[end + 4..];
        let headers: Vec<(String, String)> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.parse().unwrap());
        if body.len() >= length.unwrap_or(0_usize) {
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            break (path, headers, body.to_vec());
        }
    };
    let reply = match path.as_str() {
        "/salesforce/events" => env.post_salesforce(&headers, &body).await,
        _ => env.post_stripe(&headers, &body).await,
    };
    let text = reply.body.to_string();
    let answer = format!(
        "HTTP/1.1 {} Answered\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        reply.status,
        text.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}
