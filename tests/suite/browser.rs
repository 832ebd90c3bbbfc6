//! A real browser: headless Chromium, as PLIMSOLL_CHROMIUM names it or as it stands on PATH. Where there is none, the run
//! names each story that it left out. What the browser itself asks of its makers goes to a closed door, as does all else.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

pub struct Browser(PathBuf);

/// What opening a page as it is brought about.
#[derive(Debug, Default)]
pub struct Opened {
    /// What the console says: errors, warnings, breaches of the page's own policy.
    pub console: Vec<String>,
    /// What the page asked for beside itself.
    pub requests: Vec<String>,
}

/// What somebody with a ruler finds on the page.
#[derive(Debug, Deserialize)]
pub struct Examined {
    pub problems: Vec<String>,
    /// Width of the window, and of what is in it.
    pub window: f64,
    pub content: f64,
    pub dark: bool,
    /// Texts whose contrast was measured.
    pub texts: usize,
    pub title: String,
    /// What the story's own step came to.
    pub acted: String,
    pub text: String,
}

/// The browser; none where there is none, which is said on the terminal.
pub fn browser(story: &str) -> Option<Browser> {
    let named = std::env::var_os("PLIMSOLL_CHROMIUM").filter(|name| !name.is_empty()).map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let found = || {
        let all: Vec<PathBuf> = std::env::split_paths(&path).collect();
        names.iter().flat_map(|name| all.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
    };
    let found = named.or_else(found).map(Browser);
    if found.is_none() {
        let line = format!("LEFT OUT: {story}: no Chromium on PATH, and PLIMSOLL_CHROMIUM names none\n");
        std::io::stderr().write_all(line.as_bytes()).expect("the terminal takes it");
    }
    found
}

impl Browser {
    /// The page's text as the browser has it after loading, what it said, and where it wrote its log of the network.
    fn run(&self, page: &Path, net: &Path, more: &[&str]) -> (String, String) {
        let profile = tempfile::tempdir().expect("a folder");
        let output = Command::new(&self.0)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>"])
            .args(["--enable-logging=stderr", "--v=0", "--window-size=1400,1000"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--log-net-log={}", net.display()))
            .args(more)
            .arg("--dump-dom")
            .arg(format!("file://{}", page.display()))
            .output()
            .expect("the browser starts");
        assert!(output.status.success(), "{:?}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    }

    /// Opens the page as a reader would.
    pub fn open(&self, html: &str) -> Opened {
        let folder = tempfile::tempdir().expect("a folder");
        let (page, net) = (folder.path().join("page.html"), folder.path().join("net.json"));
        std::fs::write(&page, html).expect("written");
        let (dom, said) = self.run(&page, &net, &[]);
        assert!(dom.contains("</html>"), "the page was loaded: {said}");
        let console = said.lines().filter(|line| line.contains(":CONSOLE")).map(String::from).collect();
        Opened { console, requests: asked_for(&std::fs::read_to_string(&net).expect("a log of the network")) }
    }

    /// Sheets of paper that the page takes.
    pub fn printed(&self, html: &str) -> usize {
        let folder = tempfile::tempdir().expect("a folder");
        let (page, pdf) = (folder.path().join("page.html"), folder.path().join("page.pdf"));
        std::fs::write(&page, html).expect("written");
        let to = format!("--print-to-pdf={}", pdf.display());
        self.run(&page, &folder.path().join("net.json"), &[&to, "--no-pdf-header-footer"]);
        let pdf = std::fs::read(&pdf).expect("it was printed");
        let text = String::from_utf8_lossy(&pdf);
        text.matches("/Type /Page").count() - text.matches("/Type /Pages").count()
    }

    /// Opens the page in a frame of that width, its own policy in force, and measures it from outside.
    pub fn examine(&self, html: &str, width: u32, dark: bool) -> Examined {
        self.examine_after(html, width, dark, "")
    }

    /// The same after a step of the story's own, a function of the page in JavaScript.
    pub fn examine_after(&self, html: &str, width: u32, dark: bool, act: &str) -> Examined {
        let folder = tempfile::tempdir().expect("a folder");
        let (page, net) = (folder.path().join("page.html"), folder.path().join("net.json"));
        let quoted = html.replace('&', "&amp;").replace('"', "&quot;");
        let check = include_str!("browser/check.js");
        let wrapper = format!(
            "<!doctype html><html><meta charset=\"utf-8\"><iframe style=\"border:0;width:{width}px;height:900px\" \
             srcdoc=\"{quoted}\"></iframe><pre id=\"found\"></pre><script>{act}</script><script>{check}</script></html>"
        );
        std::fs::write(&page, wrapper).expect("written");
        let (dom, said) = self.run(&page, &net, if dark { &["--force-dark-mode"] } else { &[] });
        let (_, found) =
            dom.rsplit_once("<pre id=\"found\">").unwrap_or_else(|| panic!("nothing was measured: {said}"));
        let (found, _) = found.split_once("</pre>").expect("its end");
        serde_json::from_str(found).unwrap_or_else(|error| panic!("{error}: {found:.300}\n{said}"))
    }
}

/// Addresses that a page asked for: the log tells who began each request, and the browser's own have no origin.
fn asked_for(log: &str) -> Vec<String> {
    // The log of a browser that was stopped early lacks its end.
    let whole = serde_json::from_str(log)
        .or_else(|_| serde_json::from_str(&format!("{}]}}", log.trim_end().trim_end_matches(','))));
    let log: serde_json::Value = whole.expect("the log is JSON");
    let mut found = Vec::new();
    for event in log["events"].as_array().expect("events") {
        let (url, initiator) = (event["params"]["url"].as_str(), event["params"]["initiator"].as_str());
        if let (Some(url), Some(initiator)) = (url, initiator)
            && initiator != "not an origin"
            && !url.starts_with("file:")
        {
            found.push(url.to_string());
        }
    }
    found
}
