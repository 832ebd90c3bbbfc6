//! All forms of a report into one folder: each written beside its name and renamed, so that no reader sees half a file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::chart::{self, Chart};
use super::{View, csv, html, json, markdown};
use crate::base::{Fault, Result};
use crate::evidence::Evidence;

/// Where a file of this name goes that is asked for at `path`: into it, if that is a folder.
pub fn place(path: &Path, name: &str) -> PathBuf {
    if path.is_dir() { path.join(name) } else { path.to_path_buf() }
}

/// Writes every form and returns their paths, in the order in which people will want them.
pub fn write_all(view: &View, evidence: Option<&Evidence>, dir: &Path) -> Result<Vec<PathBuf>> {
    let charts = dir.join("charts");
    std::fs::create_dir_all(&charts).map_err(|e| Fault::io("create the folder", charts.display(), e))?;
    let mut written = Written { dir, paths: Vec::new() };
    written.text("weekly.html", &html::page(view)?)?;
    written.text("weekly.md", &markdown::of(view))?;
    written.text("report.json", &json::of(view)?)?;
    match evidence {
        Some(evidence) => {
            let json =
                serde_json::to_string_pretty(evidence).map_err(|e| Fault::bug("cannot write JSON").because(e))?;
            written.text("evidence.json", &(json + "\n"))?;
        }
        None => written.outdated("evidence.json")?,
    }
    written.text("findings.csv", &csv::findings(view)?)?;
    written.text("cells.csv", &csv::cells(view)?)?;
    written.text("points.csv", &csv::points(view)?)?;
    written.text("drills.csv", &csv::drills(view)?)?;
    written.chart("charts/sawtooth", view.charts.loss_window.as_ref())?;
    written.chart("charts/drills", view.charts.drill_times.as_ref())?;
    written.chart("charts/tradeoff", view.charts.cost_against_loss.as_ref())?;
    written.chart("charts/exceedance", view.charts.loss_exceedance.as_ref())?;
    written.chart("charts/tornado", view.charts.tornado.as_ref())?;
    written.chart("charts/annual-cost", view.charts.annual_cost.as_ref())?;
    written.chart("charts/heat-map", view.charts.heat_map.as_ref())?;
    written.chart("charts/outlook", view.charts.outgrowing.as_ref())?;
    written.chart("charts/storage", view.charts.storage_growth.as_ref())?;
    Ok(written.paths)
}

/// One file of text, whole or not at all.
pub fn file(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Written { dir: folder, paths: Vec::new() }.whole(path, text)
}

struct Written<'a> {
    dir: &'a Path,
    paths: Vec<PathBuf>,
}

impl Written<'_> {
    fn text(&mut self, name: &str, text: &str) -> Result<()> {
        let path = self.dir.join(name);
        self.whole(&path, text)?;
        self.paths.push(path);
        Ok(())
    }

    fn whole(&self, path: &Path, text: &str) -> Result<()> {
        self.beside(path, |file| {
            let wrote =
                std::fs::File::create(file).and_then(|mut f| f.write_all(text.as_bytes()).and_then(|()| f.sync_all()));
            wrote.map_err(|e| Fault::io("write", path.display(), e))
        })
    }

    /// Takes away what an earlier report left under this name.
    fn outdated(&self, name: &str) -> Result<()> {
        let path = self.dir.join(name);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Fault::io("remove the outdated", path.display(), e))
            }
            _ => Ok(()),
        }
    }

    /// The drawing twice, and the numbers in it. A chart without numbers is no file, and an older one does not stay.
    fn chart<C: Chart>(&mut self, name: &str, chart: Option<&C>) -> Result<()> {
        let file = |ending: &str| format!("{name}.{ending}");
        let Some(chart) = chart else {
            return ["svg", "png", "csv"].into_iter().try_for_each(|ending| self.outdated(&file(ending)));
        };
        let id = name.rsplit('/').next().unwrap_or(name);
        self.text(&file("svg"), &chart::svg_file(chart, id)?)?;
        let png = self.dir.join(file("png"));
        self.beside(&png, |path| chart::png_file(chart, path))?;
        self.paths.push(png);
        self.text(&file("csv"), &csv::of(chart.numbers())?)
    }

    /// Lets `make` write a file of another name in the same folder, then gives it its own.
    fn beside(&self, path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(self.dir);
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let suffix = format!(".{ending}");
        let mut builder = tempfile::Builder::new();
        builder.prefix(".plimsoll-").suffix(&suffix);
        for_others(&mut builder);
        let beside = builder.tempfile_in(folder).map_err(|e| Fault::io("write into", folder.display(), e))?;
        make(beside.path())?;
        beside.persist(path).map_err(|e| Fault::io("write", path.display(), e.error))?;
        Ok(())
    }
}

/// Reports are for others to read; temporary files are private unless told.
#[cfg(unix)]
fn for_others(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(std::fs::Permissions::from_mode(0o644));
}

#[cfg(not(unix))]
fn for_others(_builder: &mut tempfile::Builder<'_, '_>) {}
