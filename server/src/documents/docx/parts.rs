//! The parts of the file beside what is printed: what it is made of, its properties, styles, bullets, headers and footers.

use super::xml::escaped;
use crate::documents::paper::{Orientation, Paper};

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const W: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
                 xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";
/// What begins the names of relationships within the document.
const RELATED: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
/// What begins the names of relationships of the package.
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
/// What begins the content types of the document's parts.
const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml";

/// The parts that the document itself relates to: id, kind, file. The header is there for marked documents only.
fn related(paper: &Paper) -> Vec<(&'static str, &'static str, &'static str)> {
    let mut parts = vec![
        ("r1", "styles", "styles.xml"),
        ("r2", "numbering", "numbering.xml"),
        ("r3", "settings", "settings.xml"),
        ("r4", "footer", "footer1.xml"),
    ];
    if !paper.marks().is_empty() {
        parts.push(("r5", "header", "header1.xml"));
    }
    parts
}

/// Every part: its name in the archive and its text. The list of content types comes first, as readers expect.
pub(super) fn all(paper: &Paper, body: &str) -> Vec<(&'static str, String)> {
    let mut parts = vec![
        ("[Content_Types].xml", content_types(paper)),
        ("_rels/.rels", package_relations()),
        ("docProps/core.xml", core(paper)),
        ("word/_rels/document.xml.rels", document_relations(paper)),
        ("word/document.xml", document(paper, body)),
        ("word/styles.xml", styles(paper)),
        ("word/numbering.xml", numbering()),
        ("word/settings.xml", settings(paper)),
        ("word/footer1.xml", footer(paper)),
    ];
    if !paper.marks().is_empty() {
        parts.push(("word/header1.xml", header(paper)));
    }
    parts
}

fn content_types(paper: &Paper) -> String {
    let mut parts = format!("<Override PartName=\"/word/document.xml\" ContentType=\"{WORD}.document.main+xml\"/>");
    for (_, kind, file) in related(paper) {
        parts.push_str(&format!("<Override PartName=\"/word/{file}\" ContentType=\"{WORD}.{kind}+xml\"/>"));
    }
    format!(
        "{XML}<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" \
         ContentType=\"application/xml\"/>{parts}<Override PartName=\"/docProps/core.xml\" \
         ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/></Types>"
    )
}

fn package_relations() -> String {
    format!(
        "{XML}<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"r1\" Type=\"{RELATED}/officeDocument\" \
         Target=\"word/document.xml\"/><Relationship Id=\"r2\" \
         Type=\"{PACKAGE}/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/></Relationships>"
    )
}

fn document_relations(paper: &Paper) -> String {
    let mut relations = String::new();
    for (id, kind, file) in related(paper) {
        relations.push_str(&format!("<Relationship Id=\"{id}\" Type=\"{RELATED}/{kind}\" Target=\"{file}\"/>"));
    }
    format!("{XML}<Relationships xmlns=\"{PACKAGE}/relationships\">{relations}</Relationships>")
}

fn core(paper: &Paper) -> String {
    let made_at = paper.made_at().floor_second();
    let when = |name: &str| format!("<dcterms:{name} xsi:type=\"dcterms:W3CDTF\">{made_at}</dcterms:{name}>");
    format!(
        "{XML}<cp:coreProperties xmlns:cp=\"{PACKAGE}/metadata/core-properties\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:dcterms=\"http://purl.org/dc/terms/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:title>{}</dc:title><dc:creator>{}</dc:creator>\
         <dc:language>{}</dc:language>{}{}</cp:coreProperties>",
        escaped(paper.title()),
        escaped(paper.organisation()),
        paper.language(),
        when("created"),
        when("modified")
    )
}

fn document(paper: &Paper, body: &str) -> String {
    let header = if paper.marks().is_empty() { "" } else { "<w:headerReference w:type=\"default\" r:id=\"r5\"/>" };
    let size = match paper.lies() {
        Orientation::Portrait => "<w:pgSz w:w=\"11906\" w:h=\"16838\"/>",
        Orientation::Landscape => "<w:pgSz w:w=\"16838\" w:h=\"11906\" w:orient=\"landscape\"/>",
    };
    format!(
        "{XML}<w:document {W}><w:body>{body}<w:sectPr>{header}<w:footerReference w:type=\"default\" r:id=\"r4\"/>{size}\
         <w:pgMar w:top=\"1134\" w:right=\"1134\" w:bottom=\"1134\" w:left=\"1134\" w:header=\"567\" w:footer=\"567\" \
         w:gutter=\"0\"/></w:sectPr></w:body></w:document>"
    )
}

/// Newer than Word 2010, so that Word opens it in its normal mode.
fn settings(paper: &Paper) -> String {
    format!(
        "{XML}<w:settings {W}><w:zoom w:percent=\"100\"/><w:defaultTabStop w:val=\"720\"/><w:compat><w:compatSetting \
         w:name=\"compatibilityMode\" w:uri=\"http://schemas.microsoft.com/office/word\" w:val=\"15\"/></w:compat>\
         <w:themeFontLang w:val=\"{}\"/></w:settings>",
        paper.language()
    )
}

/// The words of the marks on every page.
fn header(paper: &Paper) -> String {
    let words = escaped(&paper.mark_words());
    format!(
        "{XML}<w:hdr {W}><w:p><w:pPr><w:pStyle w:val=\"Header\"/></w:pPr><w:r><w:t>{words}</w:t></w:r></w:p></w:hdr>"
    )
}

fn footer(paper: &Paper) -> String {
    let field = |name: &str| format!("<w:fldSimple w:instr=\" {name} \"><w:r><w:t>1</w:t></w:r></w:fldSimple>");
    format!(
        "{XML}<w:ftr {W}><w:p><w:pPr><w:pStyle w:val=\"Footer\"/></w:pPr><w:r><w:t \
         xml:space=\"preserve\">{}</w:t></w:r><w:r><w:tab/><w:t xml:space=\"preserve\">Page </w:t></w:r>{}<w:r><w:t \
         xml:space=\"preserve\"> of </w:t></w:r>{}</w:p></w:ftr>",
        escaped(paper.title()),
        field("PAGE"),
        field("NUMPAGES")
    )
}

fn numbering() -> String {
    format!(
        "{XML}<w:numbering {W}><w:abstractNum w:abstractNumId=\"0\"><w:multiLevelType w:val=\"singleLevel\"/><w:lvl \
         w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"bullet\"/><w:lvlText w:val=\"\u{2022}\"/><w:lvlJc \
         w:val=\"left\"/><w:pPr><w:ind w:left=\"425\" w:hanging=\"283\"/></w:pPr></w:lvl></w:abstractNum><w:num \
         w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>"
    )
}

/// A paragraph style: id, name, properties of its paragraphs, properties of its letters.
const PARAGRAPHS: &[(&str, &str, &str, &str)] = &[
    ("Title", "Title", "<w:keepNext/><w:spacing w:before=\"0\" w:after=\"60\"/>", "<w:b/><w:sz w:val=\"40\"/>"),
    ("Subtitle", "Subtitle", "<w:spacing w:after=\"240\"/>", "<w:color w:val=\"505A5F\"/>"),
    (
        "Heading1",
        "heading 1",
        "<w:keepNext/><w:keepLines/><w:spacing w:before=\"360\" w:after=\"120\"/><w:outlineLvl w:val=\"0\"/>",
        "<w:b/><w:sz w:val=\"30\"/>",
    ),
    (
        "Heading2",
        "heading 2",
        "<w:keepNext/><w:keepLines/><w:spacing w:before=\"240\" w:after=\"80\"/><w:outlineLvl w:val=\"1\"/>",
        "<w:b/><w:sz w:val=\"24\"/>",
    ),
    (
        "Heading3",
        "heading 3",
        "<w:keepNext/><w:keepLines/><w:spacing w:before=\"200\" w:after=\"60\"/><w:outlineLvl w:val=\"2\"/>",
        "<w:b/><w:sz w:val=\"22\"/>",
    ),
    ("Mark", "Mark", "<w:keepNext/><w:spacing w:after=\"120\"/>", "<w:color w:val=\"942514\"/>"),
    ("Open", "Open answer", "", "<w:color w:val=\"942514\"/>"),
    ("Aside", "No answer needed", "", "<w:color w:val=\"505A5F\"/>"),
    (
        "Origin",
        "Origin of an answer",
        "<w:spacing w:after=\"160\"/>",
        "<w:color w:val=\"505A5F\"/><w:sz w:val=\"18\"/>",
    ),
    ("Fact", "Fact", "<w:spacing w:after=\"40\"/>", ""),
    (
        "ListBullet",
        "List Bullet",
        "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr><w:spacing w:after=\"60\"/>",
        "",
    ),
    ("Caption", "caption", "<w:keepNext/><w:spacing w:before=\"160\" w:after=\"80\"/>", "<w:b/>"),
    ("Cell", "Cell", "<w:spacing w:before=\"20\" w:after=\"20\"/>", "<w:sz w:val=\"19\"/>"),
    ("Gap", "Gap", "<w:spacing w:after=\"0\"/>", "<w:sz w:val=\"12\"/>"),
    ("Header", "header", "<w:jc w:val=\"center\"/>", "<w:b/><w:color w:val=\"942514\"/><w:sz w:val=\"22\"/>"),
];

fn styles(paper: &Paper) -> String {
    let language = paper.language();
    let mut styles = String::new();
    for (id, name, paragraphs, letters) in PARAGRAPHS {
        styles.push_str(&style(id, name, paragraphs, letters));
    }
    let right = match paper.lies() {
        Orientation::Portrait => 9_638,
        Orientation::Landscape => 14_570,
    };
    let tab = format!("<w:tabs><w:tab w:val=\"right\" w:pos=\"{right}\"/></w:tabs>");
    styles.push_str(&style("Footer", "footer", &tab, "<w:color w:val=\"505A5F\"/><w:sz w:val=\"18\"/>"));
    let borders = ["top", "left", "bottom", "right", "insideH", "insideV"]
        .map(|side| format!("<w:{side} w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"767676\"/>"))
        .concat();
    format!(
        "{XML}<w:styles {W}><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii=\"Arial\" w:hAnsi=\"Arial\" \
         w:eastAsia=\"Arial\" w:cs=\"Arial\"/><w:sz w:val=\"22\"/><w:szCs w:val=\"22\"/><w:lang w:val=\"{language}\" \
         w:eastAsia=\"{language}\"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing w:after=\"120\" w:line=\"264\" \
         w:lineRule=\"auto\"/></w:pPr></w:pPrDefault></w:docDefaults><w:style w:type=\"paragraph\" w:default=\"1\" \
         w:styleId=\"Normal\"><w:name w:val=\"Normal\"/><w:qFormat/></w:style>{styles}<w:style w:type=\"table\" \
         w:default=\"1\" w:styleId=\"TableNormal\"><w:name w:val=\"Normal Table\"/><w:tblPr><w:tblCellMar><w:left \
         w:w=\"85\" w:type=\"dxa\"/><w:right w:w=\"85\" w:type=\"dxa\"/></w:tblCellMar></w:tblPr></w:style><w:style \
         w:type=\"table\" w:styleId=\"TableGrid\"><w:name w:val=\"Table Grid\"/><w:basedOn \
         w:val=\"TableNormal\"/><w:tblPr><w:tblBorders>{borders}</w:tblBorders></w:tblPr></w:style></w:styles>"
    )
}

fn style(id: &str, name: &str, paragraphs: &str, letters: &str) -> String {
    let wrapped = |tag: &str, inner: &str| match inner {
        "" => String::new(),
        inner => format!("<w:{tag}>{inner}</w:{tag}>"),
    };
    format!(
        "<w:style w:type=\"paragraph\" w:styleId=\"{id}\"><w:name w:val=\"{name}\"/><w:basedOn w:val=\"Normal\"/><w:next \
         w:val=\"Normal\"/><w:qFormat/>{}{}</w:style>",
        wrapped("pPr", paragraphs),
        wrapped("rPr", letters)
    )
}
