// Measures the page in the frame and writes what it found into #found, as JSON without angle brackets.
"use strict";
addEventListener("load", () => {
  const frame = document.querySelector("iframe");
  const page = frame.contentDocument, view = frame.contentWindow;
  const problems = [];
  const acted = typeof act === "function" ? String(act(page)) : "";
  const all = (selector) => [...page.querySelectorAll(selector)];
  const told = (element) => `<${element.tagName.toLowerCase()}> ${(element.textContent || "").trim().slice(0, 60)}`;

  // Landmarks and headings.
  for (const [selector, name] of [["main", "main"], ["h1", "h1"], ["body > header", "header"], ["body > footer", "footer"]])
    if (all(selector).length !== 1) problems.push(`landmarks: ${all(selector).length} of ${name}`);
  if (all("nav").length < 1) problems.push("landmarks: 0 of nav");
  if (!page.documentElement.lang) problems.push("landmarks: the page names no language");
  let level = 1;
  for (const heading of all("h1,h2,h3,h4,h5,h6")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) problems.push(`landmarks: heading skips a level: ${told(heading)}`);
    level = own;
  }

  // Names.
  const name = (element) => {
    const by = (element.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
    const text = by.map((id) => (page.getElementById(id) || {}).textContent || "").join(" ");
    return (text || element.getAttribute("aria-label") || element.getAttribute("alt") || "").trim();
  };
  for (const image of all("img,svg"))
    if (image.getAttribute("aria-hidden") !== "true" && !name(image)) problems.push("names: an image has none");
  for (const control of all("a,button"))
    if (!name(control) && !control.textContent.trim()) problems.push("names: a control has none");
  for (const section of all("section,[role=region]"))
    if (!name(section)) problems.push(`names: a region has none: ${told(section)}`);
  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) problems.push(`names: id ${id} twice`);

  // Tables.
  for (const table of all("table")) {
    if (!table.querySelector("th")) problems.push("tables: one without headers");
    if (!table.caption && !name(table.closest("[role=region]") || table)) problems.push("tables: one without a name");
  }
  for (const header of all("th")) if (!header.scope) problems.push(`tables: a header without scope: ${told(header)}`);

  // Contrast, as WCAG 2.2 reckons it.
  const parse = (text) => {
    const parts = (text.match(/[\d.]+/g) || []).map(Number);
    return { r: parts[0], g: parts[1], b: parts[2], a: parts.length > 3 ? parts[3] : 1 };
  };
  const over = (top, below, alpha) => ({
    r: top.r * alpha + below.r * (1 - alpha), g: top.g * alpha + below.g * (1 - alpha), b: top.b * alpha + below.b * (1 - alpha), a: 1,
  });
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const ground = (element) => {
    const chain = [];
    for (let at = element; at && at.nodeType === 1; at = at.parentElement) chain.unshift(at);
    return chain.reduce((below, at) => {
      const color = parse(view.getComputedStyle(at).backgroundColor);
      return color.a > 0 ? over(color, below, color.a) : below;
    }, { r: 255, g: 255, b: 255, a: 1 });
  };
  let texts = 0;
  const judge = (element, ink, paper, least) => {
    texts += 1;
    const found = ratio(ink, paper);
    if (found < least) problems.push(`contrast: ${found.toFixed(2)} of ${least} in ${told(element)}`);
  };
  const shown = (element) => element.getClientRects().length > 0 && view.getComputedStyle(element).visibility !== "hidden";
  for (const element of all("body *")) {
    if (element.closest("svg,script,style")) continue;
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !shown(element)) continue;
    const style = view.getComputedStyle(element);
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    const paper = ground(element), ink = parse(style.color);
    judge(element, over(ink, paper, ink.a), paper, size >= 24 || (bold && size >= 18.66) ? 3 : 4.5);
  }
  // In a drawing a text stands on whatever was drawn under its middle before it.
  for (const svg of all("svg[role=img]").filter(shown)) {
    const drawn = [];
    for (const shape of svg.querySelectorAll("rect,polygon,circle,text")) {
      if (shape.closest(".notes")) continue;
      const style = view.getComputedStyle(shape);
      const alpha = (shape) => Number(view.getComputedStyle(shape).opacity || 1);
      if (shape.tagName !== "text") {
        if (style.fill !== "none") drawn.push(shape);
        continue;
      }
      const box = shape.getBBox();
      if (!box.width) continue;
      const middle = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2);
      const paper = drawn.filter((under) => under.isPointInFill(middle)).reduce(
        (below, under) => {
          const fill = parse(view.getComputedStyle(under).fill);
          return over(fill, below, fill.a * alpha(under));
        }, ground(svg));
      const ink = parse(style.fill);
      judge(shape, over(ink, paper, ink.a * alpha(shape)), paper, 4.5);
    }
  }

  const found = {
    problems, texts, acted, window: view.innerWidth, content: page.scrollingElement.scrollWidth,
    dark: view.matchMedia("(prefers-color-scheme: dark)").matches, title: page.title, text: page.body.innerText.replace(/\u00a0/g, " "),
  };
  const hide = (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
  document.getElementById("found").textContent = JSON.stringify(found).replace(/[<>&\u00a0]/g, hide);
});
