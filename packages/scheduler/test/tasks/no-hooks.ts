// A module of hooks that can not be imported.
throw new RangeError('no hooks');
