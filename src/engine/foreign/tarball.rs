//! A tar of a dump's directory, as PixelCraft's scripts make it: `backups/<stamp>/<db>/<collection>.bson.gz` and
//! `.metadata.json.gz`, and what was uploaded under `backups/<stamp>/uploads/`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};

use super::contents::{Bounded, Contents, wrong};
use super::names::{self, Part};
use super::{Finds, LOG, READ_BYTES, tar};
use crate::base::{Codec, Result};
use crate::engine::metadata;
use crate::engine::unpack;

pub fn read<R: Read>(archive: &mut Contents<R>, finds: &mut dyn Finds) -> Result<()> {
    let mut root: Option<String> = None;
    let mut paths = BTreeSet::new();
    while let Some(file) = tar::next(archive)? {
        let (own, part) = names::split(&file.path);
        if !matches!(part, Part::Other | Part::Prelude) && *root.get_or_insert_with(|| own.to_string()) != own {
            let other = root.unwrap_or_default();
            return Err(archive.wrong(&format!("it holds more than one dump: in `{other}` and in `{own}`")));
        }
        // Of two files of one name only the later one would count, and no dump holds such.
        let is_upload = matches!(part, Part::Upload(_));
        if !is_upload && !paths.insert(file.path.clone()) {
            return Err(archive.wrong(&format!("`{}` is in it twice", file.path.escape_debug())));
        }
        let name = format!("{}: {}", archive.name, file.path);
        let trouble = archive.trouble();
        let mut body = Contents::new((&mut archive.reader).take(file.bytes), name, trouble);
        one(&mut body, &part, &file, finds)?;
        // A reader may stop before the end, but the archive goes on after it.
        std::io::copy(&mut body.reader, &mut std::io::sink()).map_err(|error| body.fault(error))?;
        if body.reader.limit() > 0 {
            return Err(body.wrong("the archive ends within it"));
        }
        tar::pad(archive, file.bytes)?;
    }
    Ok(())
}

fn one<R: Read>(
    body: &mut Contents<std::io::Take<R>>,
    part: &Part<'_>,
    file: &tar::File,
    finds: &mut dyn Finds,
) -> Result<()> {
    match part {
        Part::Documents { db, stem, codec } => packed(body, db, stem, *codec, finds),
        Part::Metadata { db, stem, codec } => {
            let text = unpack::plain(*codec, &mut body.reader, &body.name, metadata::BYTES_MAX)?;
            finds.metadata(db, stem, &text)
        }
        Part::Log => {
            let (name, trouble) = (body.name.clone(), body.trouble());
            let mut body = Contents::new(BufReader::new(&mut body.reader), name, trouble);
            let codec = sniffed(&mut body)?;
            packed(&mut body, "", LOG, codec, finds)
        }
        Part::Upload(path) => finds.upload(path, file.bytes, &mut body.reader),
        Part::Prelude => Ok(()),
        Part::Other => finds.other(&file.path),
    }
}

fn packed<R: Read>(packed: &mut Contents<R>, db: &str, stem: &str, codec: Codec, finds: &mut dyn Finds) -> Result<()> {
    let trouble = packed.trouble();
    let plain = Bounded::new(codec, &mut packed.reader).map_err(|error| wrong(&packed.name, &error.to_string()))?;
    let reader = BufReader::with_capacity(READ_BYTES, plain);
    let mut plain = Contents::new(reader, packed.name.clone(), trouble);
    super::documents(&mut plain, db, stem, finds)
}

/// A log has one name, packed or not; the magic number of gzip would be a first entry of at least half a megabyte.
fn sniffed<R: BufRead>(log: &mut Contents<R>) -> Result<Codec> {
    let head = log.reader.fill_buf().map(|head| head.starts_with(super::GZIP));
    match head.map_err(|error| log.fault(error))? {
        true => Ok(Codec::Gzip),
        false => Ok(Codec::Plain),
    }
}
