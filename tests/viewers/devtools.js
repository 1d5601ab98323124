// SPDX-License-Identifier: GPL-3.0-or-later
// What Chrome's own DevTools make of a heapsnapshot, in their Memory panel:
// BROWSER FILE PICTURE, and nodes whose retainers are wanted, as places in the
// file.  JSON on the last line.
'use strict';
const puppeteer = require('puppeteer-core');
const PANEL = 'devtools://devtools/bundled/devtools_app.html' +
  '?panel=heap-profiler';

// In the page: is there a profile?
async function loaded() {
  const profiler = await import(
    'devtools://devtools/bundled/panels/profiler/profiler.js');
  const panel = profiler.HeapProfilerPanel.HeapProfilerPanel.instance();
  return panel.findProfileTypeByExtension('x.heapsnapshot')
    .getProfiles().length > 0;
}

// In the page: the profile is loaded and shown; what its worker says of it.
async function ask(wanted) {
  const profiler = await import(
    'devtools://devtools/bundled/panels/profiler/profiler.js');
  const panel = profiler.HeapProfilerPanel.HeapProfilerPanel.instance();
  const profile = panel.findProfileTypeByExtension('x.heapsnapshot')
    .getProfiles()[0];
  panel.showProfile(profile);
  const proxy = await profile.loadPromise;
  const classes = await proxy.aggregatesWithFilter({});
  const nodes = [];
  for (const key of Object.keys(classes)) {
    const provider = proxy.createNodesProviderForClass(key, {});
    const range = await provider.serializeItemsRange(0, classes[key].count);
    for (const n of range.items)
      nodes.push([n.nodeIndex / 6, n.name, n.id, n.selfSize, n.retainedSize]);
  }
  const retainers = [];
  for (const i of wanted) {
    const provider = proxy.createRetainingEdgesProvider(i * 6);
    const range = await provider.serializeItemsRange(0, 1000);
    retainers.push(range.items.map(
      e => [e.node.nodeIndex / 6, e.type, e.name]));
  }
  return {nodes, retainers, total: proxy.totalSize, count: proxy.nodeCount,
    classes: Object.values(classes).map(c => [c.name, c.count, c.self])};
}

async function main(browser, file, picture, wanted) {
  const chrome = await puppeteer.launch({executablePath: browser,
    headless: true, args: ['--no-sandbox', '--disable-gpu'],
    defaultViewport: {width: 1500, height: 950}});
  try {
    const page = await chrome.newPage();
    await page.goto(PANEL, {waitUntil: 'load'});
    const chooser = await page.waitForSelector('>>> input[type=file]');
    for (let tries = 5; ; tries--) {  // the panel takes none at first
      await chooser.uploadFile(file);
      try {
        await page.waitForFunction(loaded, {timeout: 5000});
        break;
      } catch (error) {
        if (!tries)
          throw error;
      }
    }
    const said = await page.evaluate(ask, wanted);
    await page.waitForSelector('>>> .heap-snapshot-view .data-grid-data-grid-node');
    await page.screenshot({path: picture});
    return said;
  } finally {
    await chrome.close();
  }
}

main(process.argv[2], process.argv[3], process.argv[4],
  process.argv.slice(5).map(Number)).then(
  said => process.stdout.write('\n' + JSON.stringify(said) + '\n'),
  error => { console.error(error); process.exit(1); });
