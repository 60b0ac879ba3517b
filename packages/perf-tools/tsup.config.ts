import { defineLibrary } from '../../tools/tsup.base.ts';

export default defineLibrary({
  entry: {
    index: 'src/index.ts',
    capacity: 'src/capacity/index.ts',
    profiles: 'src/profiles/index.ts',
    'corelane-profile': 'src/corelane-profile.ts',
    'corelane-top': 'src/corelane-top.ts',
  },
});
