
"use strict";
(() => {
  const make = (tag, text, parent) => {
    const made = document.createElement(tag);
    made.textContent = text;
    parent.append(made);
    return made;
  };

  // The figure behind the place that is pointed at, in words below the picture.
  for (const chart of document.querySelectorAll("figure.chart")) {
    if (!chart.querySelector(".notes")) continue;
    const readout = make("p", "Point at the picture to read its figures.", chart);
    readout.className = "readout";
    chart.addEventListener("pointerover", (event) => {
      const note = event.target.closest(".notes > rect");
      if (!note) return;
      readout.textContent = note.textContent;
      readout.classList.add("said");
      for (const other of chart.querySelectorAll(".notes > .on")) other.classList.remove("on");
      note.classList.add("on");
    });
  }

  // Findings of one verdict alone.
  const findings = document.querySelector("ol.findings");
  if (findings) {
    const all = [...findings.children];
    const group = document.createElement("div");
    group.className = "choose";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Findings shown");
    findings.before(group);
    const verdicts = ["breached", "unproven"].filter((v) => all.some((li) => li.dataset.verdict === v));
    const buttons = ["all", ...verdicts].map((verdict) => {
      const of = all.filter((li) => verdict === "all" || li.dataset.verdict === verdict);
      const button = make("button", `${verdict[0].toUpperCase()}${verdict.slice(1)} (${of.length})`, group);
      button.type = "button";
      button.setAttribute("aria-pressed", String(verdict === "all"));
      button.addEventListener("click", () => {
        for (const li of all) li.hidden = !of.includes(li);
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      });
      return button;
    });
  }

  // Long tables show their first rows; print shows all.
  const first = 10;
  for (const table of document.querySelectorAll(".scroll > table")) {
    const rows = [...table.tBodies[0].rows].slice(first);
    if (rows.length < 5) continue;
    const button = document.createElement("button");
    button.type = "button";
    const show = (open) => {
      for (const row of rows) row.hidden = !open;
      button.textContent = open ? `Show the first ${first} rows` : `Show all ${rows.length + first} rows`;
      button.setAttribute("aria-expanded", String(open));
    };
    button.addEventListener("click", () => show(button.getAttribute("aria-expanded") !== "true"));
    table.parentElement.after(button);
    show(false);
  }
})();
