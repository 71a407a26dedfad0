const get = id => document.getElementById(id), told = JSON.parse(get("data").textContent);
const data = told.dataset;
for (const p of Object.values(data.properties)) p.values = p.values.map(v => v === null ? NaN : v);
let view = Object.keys(told.views)[0], colour = Object.keys(told.colours)[0];
const axis = name => ({property: name, min: told.ends[name][0], max: told.ends[name][1]});
const map = () => ({x: axis(told.views[view][0]), y: axis(told.views[view][1]),
                    color: {...axis(told.colours[colour][view]), palette: "viridis"}});
const site = {unitCell: true, supercell: [3, 3, 3],
              environments: {activated: true, center: true, cutoff: 4, bgColor: "CPK", bgStyle: "licorice"}};
data.settings = {target: "atom", map: {...map(), size: {factor: 35}, markerOutline: false}, structure: [site]};
const warnings = new Chemiscope.Warnings();
warnings.addHandler(text => { get("warning").textContent = text; });
const places = {map: "map", info: "info", meta: "meta", structure: "structure"};
Chemiscope.DefaultVisualizer.load(places, data, warnings).then(viewer => {
  window.explorer = viewer;
  const cell = (row, text) => { row.insertCell().textContent = text; };
  const number = x => Number.isFinite(x) ? x.toFixed(2) : "none", fine = c => c !== "element" && c !== "group";
  function tell(i) {  // text only: names come from the outside
    const crystal = data.structures[i.structure], value = name => data.properties[name].values[i.environment];
    get("atom").textContent = `${crystal.names[i.atom]}${i.atom} in ${told.crystals[i.structure]}`;
    get("values").textContent = Object.keys(told.words).filter(c => c !== "distance" && c in told.colours)
      .map(c => `${c} ${fine(c) ? number(value(c)) : value(c)}`).join(", ");
    get("seen").replaceChildren();
    for (const [v, names] of Object.entries(told.views)) {
      const row = get("seen").insertRow();
      row.className = v === view ? "now" : "";
      for (const text of [v, ...[...names, told.colours.distance[v]].map(n => number(value(n)))]) cell(row, text);
    }
  }
  let chosen = viewer.indexer.fromEnvironment(0, "atom");
  const before = viewer.info.show.bind(viewer.info);
  viewer.info.show = i => { before(i); chosen = i; tell(i); };
  function show() {
    for (const time of [1, 2]) viewer.applySettings({map: map()});  // another column resets the ends; then they hold
    for (const b of get("views").children) b.setAttribute("aria-pressed", b.textContent === view);
    get("words").textContent = told.words[colour];
    tell(chosen);
  }
  for (const v in told.views) {
    const button = get("views").appendChild(document.createElement("button"));
    button.textContent = v;
    button.onclick = () => { view = v; show(); };
  }
  for (const c in told.colours) get("colour").add(new Option(c));
  get("colour").onchange = () => { colour = get("colour").value; show(); };
  for (const c of told.crystals) get("names").appendChild(new Option(c));
  get("find").onchange = () => {
    const k = told.crystals.indexOf(get("find").value);
    if (k >= 0) viewer.select(viewer.indexer.fromStructure(k, "atom"));
  };
  name();
  get("loading").remove();
  show();
});
// for readers of screens: names that chemiscope's own buttons and fields lack
const within = e => [e, ...[...e.children, ...(e.shadowRoot?.children ?? [])].flatMap(within)];
function name() {
  const numbers = ["number of the crystal", "number of the atom"];
  for (const part of ["map", "info", "structure"]) for (const e of within(get(part))) {
    if (e.matches("[aria-expanded]:not(button)")) e.ariaExpanded = null;  // on what is no button
    if (!e.matches("button, input") || e.ariaLabel) continue;
    const field = e.matches(".chsp-info-number") ? numbers.shift() : e.className.includes("atom") ? "atom" : "crystal";
    e.ariaLabel = e.matches("input") ? field : e.textContent.trim() || `settings of the ${part}`;
  }
}
