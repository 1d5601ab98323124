# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a .heapsnapshot, as Chrome's DevTools take and load it, and says what
is wrong with its structure."""
import json


class Snapshot:
    """nodes: (type, name, id, size); out: by node, (type, name, node)."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        self.wrong = []
        self.head = document["snapshot"]
        self.strings = document["strings"]
        meta = self.head["meta"]
        self.width = len(meta["node_fields"])
        self.place = dict((f, i) for i, f in enumerate(meta["node_fields"]))
        self.edge_types = meta["edge_types"][0]
        self.check(document, meta)
        if not self.wrong:
            self.read(document, meta)

    def check(self, document, meta):
        nodes, edges = document["nodes"], document["edges"]
        degrees = nodes[self.place["edge_count"]::self.width]
        rules = (
            ("node fields", len(meta["node_types"]) == self.width),
            ("edge fields", meta["edge_fields"] == [
                "type", "name_or_index", "to_node"]),
            ("node_count", len(nodes) ==
             self.width * self.head["node_count"]),
            ("edge_count", len(edges) == 3 * self.head["edge_count"]),
            ("sum of edge_count", sum(degrees) == self.head["edge_count"]),
            ("numbers", all(type(v) is int and v >= 0
                            for part in (nodes, edges) for v in part)),
            ("to_node", all(to % self.width == 0 and to < len(nodes)
                            for to in edges[2::3])),
            ("node names", max(nodes[self.place["name"]::self.width]) <
             len(self.strings)),
            ("edge names", all(
                name < len(self.strings) for kind, name in
                zip(edges[0::3], edges[1::3])
                if self.edge_types[kind] not in ("element", "hidden"))),
            ("strings", all(type(s) is str for s in self.strings)),
            ("ids", len(set(nodes[self.place["id"]::self.width])) ==
             self.head["node_count"]),
            ("32 bits", max(nodes) < 2**32),
        )
        self.wrong += [name for name, good in rules if not good]

    def read(self, document, meta):
        types, flat = meta["node_types"][0], document["nodes"]
        self.nodes = [
            (types[flat[i]], self.strings[flat[i + self.place["name"]]],
             flat[i + self.place["id"]], flat[i + self.place["self_size"]])
            for i in range(0, len(flat), self.width)]
        flat, at, self.out = document["edges"], 0, []
        for i in range(self.place["edge_count"], len(document["nodes"]),
                       self.width):
            end = at + 3 * document["nodes"][i]
            self.out.append([self.edge(flat, k) for k in range(at, end, 3)])
            at = end

    def edge(self, flat, at):
        kind, name = self.edge_types[flat[at]], flat[at + 1]
        if kind not in ("element", "hidden"):
            name = self.strings[name]
        return kind, name, flat[at + 2] // self.width

    def objects(self):
        """Nodes that are objects: those behind the synthetic ones."""
        return [i for i, n in enumerate(self.nodes) if n[0] != "synthetic"]


def retained(out, sizes, root=0):
    """By node: what goes with it.  K. Cooper, T. Harvey and K. Kennedy, A
    Simple, Fast Dominance Algorithm; weak edges keep nothing."""
    order, number, stack = [], {root: None}, [(root, 0)]
    follow = [[to for kind, _, to in edges if kind != "weak"]
              for edges in out]
    while stack:
        node, i = stack.pop()
        if i < len(follow[node]):
            stack.append((node, i + 1))
            if follow[node][i] not in number:
                number[follow[node][i]] = None
                stack.append((follow[node][i], 0))
        else:
            number[node] = len(order)
            order.append(node)
    before = dict((node, []) for node in order)
    for node in order:
        for to in follow[node]:
            before[to].append(node)
    by = {root: root}
    changed = True
    while changed:
        changed = False
        for node in reversed(order[:-1]):
            new = None
            for other in before[node]:
                if other not in by:
                    continue
                a, b = other, other if new is None else new
                while a != b:
                    while number[a] < number[b]:
                        a = by[a]
                    while number[b] < number[a]:
                        b = by[b]
                new = a
            if by.get(node) != new:
                by[node], changed = new, True
    kept = dict((node, sizes[node]) for node in order)
    for node in order[:-1]:
        kept[by[node]] += kept[node]
    return kept
