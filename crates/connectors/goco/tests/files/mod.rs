//! A server of files on loopback, such as the one that holds a candidate's attachments.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Serves a few files until it is dropped.
pub(crate) struct Files {
    root: String,
    serving: tokio::task::JoinHandle<()>,
}

impl Files {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        Self { root, serving }
    }

    /// Puts the server's address in the place of `{files}`.
    pub(crate) fn put_in(&self, input: &Value) -> Value {
        serde_json::from_str(&input.to_string().replace("{files}", &self.root)).unwrap()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let (status, body) = match path {
        // A file host never sees the credentials of the connection.
        _ if request.to_lowercase().contains("authorization:") => ("400 Bad Request", Vec::new()),
        "/resume.pdf" | "/same/resume.pdf" => ("200 OK", b"a resume".to_vec()),
        "/letter.pdf" => ("200 OK", b"a letter".to_vec()),
        "/large.pdf" => ("200 OK", vec![b'x'; 4096]),
        "/trouble.pdf" => ("500 Internal Server Error", Vec::new()),
        "/expired.pdf" => ("403 Forbidden", b"Request has expired".to_vec()),
        _ => ("404 Not Found", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/pdf\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // Whoever left early needs no answer.
    drop(stream.write_all(head.as_bytes()).await);
    drop(stream.write_all(&body).await);
}
