/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An extension that holds objects where only C code does, and one that leaks;
   native.tap builds it for each interpreter. */
#include <Python.h>
#include <stdlib.h>
#include <unistd.h>

struct block {
	char name[24];
	PyObject *object;
};

static PyObject *volatile kept;
static PyObject *volatile table[4];
static struct block *volatile blocks;

/* In a variable. */
static PyObject *keep(PyObject *self, PyObject *o)
{
	(void)self;
	Py_INCREF(o);
	kept = o;
	Py_RETURN_NONE;
}

/* In the third of four. */
static PyObject *tabulate(PyObject *self, PyObject *o)
{
	(void)self;
	Py_INCREF(o);
	table[2] = o;
	Py_RETURN_NONE;
}

/* In memory of malloc: says where. */
static PyObject *bury(PyObject *self, PyObject *o)
{
	(void)self;
	blocks = calloc(3, sizeof *blocks);
	if (!blocks)
		return PyErr_NoMemory();
	Py_INCREF(o);
	blocks[1].object = o;
	return PyLong_FromVoidPtr(&blocks[1].object);
}

/* In memory of malloc that was freed: a word that means nothing. */
static PyObject *abandon(PyObject *self, PyObject *o)
{
	(void)self;
	PyObject *volatile *words = calloc(100, sizeof *words);
	if (!words)
		return PyErr_NoMemory();
	Py_INCREF(o);
	words[50] = o;
	free((void *)words);
	Py_RETURN_NONE;
}

/* A reference for each call, that nobody gives back. */
static PyObject *leak(PyObject *self, PyObject *o)
{
	(void)self;
	Py_INCREF(o);
	Py_RETURN_NONE;
}

static PyObject *wait_for(PyObject *o, int ready, int wake)
{
	char c = 0;
	ssize_t n;
	Py_BEGIN_ALLOW_THREADS
	n = write(ready, &c, 1);
	if (n == 1)
		n = read(wake, &c, 1);
	Py_END_ALLOW_THREADS
	return n < 0 ? PyErr_SetFromErrno(PyExc_OSError) : o;
}

/* On the stack: what make returns is nobody's but ours until it ends. */
static PyObject *hold(PyObject *self, PyObject *args)
{
	PyObject *make;
	int ready, wake;
	(void)self;
	if (!PyArg_ParseTuple(args, "Oii", &make, &ready, &wake))
		return NULL;
	PyObject *volatile o = PyObject_CallObject(make, NULL);
	return o ? wait_for(o, ready, wake) : NULL;
}

static PyMethodDef methods[] = {
	{"abandon", abandon, METH_O, NULL},
	{"keep", keep, METH_O, NULL},
	{"tabulate", tabulate, METH_O, NULL},
	{"bury", bury, METH_O, NULL},
	{"leak", leak, METH_O, NULL},
	{"hold", hold, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

#if PY_MAJOR_VERSION < 3
PyMODINIT_FUNC initleaky(void)
{
	Py_InitModule("leaky", methods);
}
#else
static struct PyModuleDef module = {
	PyModuleDef_HEAD_INIT, "leaky", NULL, -1, methods, NULL, NULL, NULL,
	NULL};

PyMODINIT_FUNC PyInit_leaky(void)
{
	return PyModule_Create(&module);
}
#endif
