// SPDX-License-Identifier: GPL-3.0-or-later
// What memlab makes of a heapsnapshot: FILE, and nodes whose paths to the root
// are wanted, as places in the file.  JSON on the last line.
'use strict';
const {getFullHeapFromFile} = require('@memlab/heap-analysis');

async function main(file, wanted) {
  const heap = await getFullHeapFromFile(file);
  const nodes = [], chains = [];
  heap.nodes.forEach((n, i) => {
    nodes.push([i, n.name, n.id, n.self_size, Number(n.retainedSize)]);
  });
  for (const i of wanted) {
    const chain = [];
    for (let n = heap.nodes.get(i); n.pathEdge; n = n.pathEdge.fromNode)
      chain.push([n.pathEdge.fromNode.nodeIndex, n.pathEdge.type,
        n.pathEdge.name_or_index, n.nodeIndex]);
    chains.push(chain.reverse());
  }
  return {nodes, edges: heap.edges.length, chains};
}

main(process.argv[2], process.argv.slice(3).map(Number)).then(
  said => process.stdout.write('\n' + JSON.stringify(said) + '\n'),
  error => { console.error(error); process.exit(1); });
