//! HTTP/1.1 as little of it as a load needs: a client must cost less than what it measures.

use anyhow::{Context as _, Result, bail, ensure};
use clients::wire::TARGET;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The region of all requests.
const REGION: &str = "us-east-1";
/// The largest answer that is read.
const MAX: usize = 4 * 1024 * 1024;

/// A connection with one request at a time. It is opened again when the server has closed it.
pub(crate) struct Connection {
    address: String,
    stream: Option<TcpStream>,
    out: Vec<u8>,
    read: Vec<u8>,
}

/// The place of what an answer holds in what was read.
struct Head {
    status: u16,
    body: usize,
    length: usize,
    closes: bool,
}

impl Connection {
    pub(crate) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            stream: None,
            out: Vec::new(),
            read: Vec::with_capacity(16 * 1024),
        }
    }

    /// Sends a body to an operation, and answers with status and body.
    pub(crate) async fn call(&mut self, operation: &str, body: &str) -> Result<(u16, &[u8])> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(&self.address).await?,
        };
        self.request(operation, body);
        stream.write_all(&self.out).await.context("send")?;
        self.read.clear();
        let head = loop {
            if let Some(head) = head(&self.read)? {
                break head;
            }
            self.more(&mut stream).await?;
        };
        ensure!(head.length <= MAX, "an answer of {} bytes", head.length);
        while self.read.len() < head.body + head.length {
            self.more(&mut stream).await?;
        }
        if !head.closes {
            self.stream = Some(stream);
        }
        Ok((head.status, &self.read[head.body..head.body + head.length]))
    }

    fn request(&mut self, operation: &str, body: &str) {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-amz-json-1.1\r\nx-amz-date: 20260101T000000Z\r\n\
             x-amz-target: {TARGET}.{operation}\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential=AKIAANYBODY/20260101/{REGION}/ecs/aws4_request, SignedHeaders=host;x-amz-date, \
             Signature={:064x}\r\ncontent-length: {}\r\n\r\n",
            self.address,
            0,
            body.len(),
        );
        self.out.clear();
        self.out.extend_from_slice(head.as_bytes());
        self.out.extend_from_slice(body.as_bytes());
    }

    async fn more(&mut self, stream: &mut TcpStream) -> Result<()> {
        let count = stream.read_buf(&mut self.read).await.context("read an answer")?;
        ensure!(count > 0, "the server has closed the connection in an answer");
        Ok(())
    }
}

async fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("connect to {address}"))?;
    stream.set_nodelay(true).context("set TCP_NODELAY")?;
    Ok(stream)
}

/// The head, once all of it is there.
fn head(read: &[u8]) -> Result<Option<Head>> {
    let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&read[..end]).context("the head of an answer")?;
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).and_then(|it| it.parse().ok());
    let Some(status) = status else {
        bail!("an answer begins with {first}");
    };
    let mut head = Head {
        status,
        body: end + 4,
        length: 0,
        closes: first.starts_with("HTTP/1.0"),
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = value.parse().context("the length of an answer")?;
        } else if name.eq_ignore_ascii_case("connection") {
            head.closes = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("an answer in {value} encoding");
        }
    }
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let text = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        for end in 0..text.len() - 2 {
            assert!(head(&text[..end]).unwrap().is_none(), "{end}");
        }
        let head = head(text).unwrap().unwrap();
        assert_eq!(
            (head.status, head.length, head.closes, &text[head.body..]),
            (400, 2, true, &b"{}"[..])
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert!(head(b"nonsense\r\n\r\n").is_err());
        assert!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(head(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n").is_err());
        assert!(head(b"HTTP/1.0 200 OK\r\n\r\n").unwrap().unwrap().closes);
    }
}
