//! A gallery of a test: its world, and a directory that goes with it.

use std::path::PathBuf;
use std::time::Duration;

use gallery::options::Options;
use longshore::axum::body::Body;
use longshore::axum::http::Request;
use longshore_testkit::{Answer, World};
use serde_json::Value;
use tempfile::TempDir;

/// A bright picture, wider than a small one, and one of its kind for each number.
pub(crate) fn picture(number: u32) -> String {
    let shades: Vec<String> =
        (0..32).map(|place| (200 + place + number).min(255).to_string()).collect();
    format!("P2\n16 2\n255\n{}\n", shades.join(" "))
}

/// A gallery of a test.
#[derive(Debug)]
pub(crate) struct Site {
    /// Its world.
    pub(crate) world: World,
    directory: TempDir,
}

impl Site {
    /// Starts one, of which the archive takes ten seconds a photo.
    pub(crate) async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let gallery = directory.path().to_owned();
        let options = Options { gallery, archive_pace: Duration::from_secs(10) };
        let world = longshore_testkit::start_with(gallery::app(), options).await;
        Self { world, directory }
    }

    /// Uploads a photo.
    pub(crate) async fn upload(&self, owner: &str, photo: &str) -> Answer {
        let path = format!("/photos?owner={owner}");
        let request = Request::post(path).body(Body::from(photo.to_owned())).unwrap();
        self.world.request(request).await
    }

    /// Uploads that many photos, and answers their names.
    pub(crate) async fn upload_all(&self, owner: &str, count: u32) -> Vec<String> {
        let mut names = Vec::new();
        for number in 0..count {
            let uploaded = self.upload(owner, &picture(number)).await.json();
            names.push(uploaded["photo"].as_str().unwrap().to_owned());
        }
        names
    }

    /// What is at a path or a URL.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.world.get(path).await.json()
    }

    /// What is where an answer's callback URL leads.
    pub(crate) async fn called_back(&self, answer: &Value) -> Value {
        self.get(answer["callbackUrl"].as_str().unwrap()).await
    }

    /// The mails that were delivered.
    pub(crate) fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.mail_directory()).unwrap();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }

    /// Where mails go.
    pub(crate) fn mail_directory(&self) -> PathBuf {
        self.directory.path().join("mails")
    }
}
