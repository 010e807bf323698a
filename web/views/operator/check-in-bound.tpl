<input type="hidden" name="csrf" value="{{visit.session.csrf}}">
<input type="hidden" name="scan" value="{{id}}">
<input type="hidden" name="event" value="{{scan.event}}">
<input type="hidden" name="types" value="{{",".join(scan.types)}}">
<input type="hidden" name="door" value="{{scan.door}}">
