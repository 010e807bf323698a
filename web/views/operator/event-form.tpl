% heading = say("operators.new-event") if new else say("operators.edit-title", event=form.fields.get("title") or form.fields.get("name", ""))
% rebase("page-layout", heading=heading, here="events", script="event-form.js")
% def told(name):
%   fault = form.faults.get(name)
%   if fault:
<p class="fault" id="{{name}}-fault">{{say(fault.text, **fault.values)}}</p>
%   end
% end
% def hints(name, hint=False):
%   ids = [f"{name}-hint"] * hint + [f"{name}-fault"] * (name in form.faults)
%   return f' aria-describedby="{" ".join(ids)}"' * bool(ids) + ' aria-invalid="true"' * (name in form.faults)
% end
% def field(name, hint="", attributes=""):
<div class="entry">
  <label for="{{name}}">{{say(f"event.{name.replace('_', '-')}")}}</label>
  <input id="{{name}}" name="{{name}}" value="{{form.fields.get(name, "")}}"{{!hints(name, bool(hint))}} {{!attributes}}>
%   if hint:
  <p class="hint" id="{{name}}-hint">{{say(hint)}}</p>
%   end
%   told(name)
</div>
% end
<h1>{{heading}}</h1>
% if form.faults:
<p class="notice bad" role="alert">{{say("operators.faults", count=len(form.faults))}}{{" " + say(form.faults[""].text, **form.faults[""].values) if "" in form.faults else ""}}</p>
% end
<form class="event-form" method="post" action="{{action}}" novalidate{{!" data-guess" if guess else ""}}>
<input type="hidden" name="csrf" value="{{visit.session.csrf}}">
<input type="hidden" name="was" value="{{form.was_json}}">
<fieldset>
  <legend>{{say("operators.about")}}</legend>
% if new:
%   field("name", "event.name-hint", 'required maxlength="32" autocapitalize="off" spellcheck="false"')
% end
% field("title", "event.title-hint" if new else "", 'maxlength="200"')
% field("place", "", 'maxlength="200"')
% field("organiser", "", 'maxlength="200"')
  <div class="entry"><label for="description">{{say("event.description")}}</label>
  <textarea id="description" name="description" rows="4" maxlength="4000"{{!hints("description", True)}}>{{form.fields.get("description", "")}}</textarea>
  <p class="hint" id="description-hint">{{say("event.description-hint")}}</p>
%   told("description")
  </div>
</fieldset>
<fieldset>
  <legend>{{say("operators.times")}}</legend>
% for name in ("starts", "ends", "doors", "opens", "closes"):
%   field(name, "event.opens-hint" if name == "opens" else "", form.type_of(name))
% end
% field("timezone", "event.timezone-hint", 'list="zones" autocapitalize="off" spellcheck="false"')
  <datalist id="zones"><option value="UTC">
% for zone in zones:
<option value="{{zone}}">\\
% end
</datalist>
</fieldset>
<fieldset>
  <legend>{{say("operators.rules")}}</legend>
% field("limit", "event.limit-hint", 'inputmode="numeric"')
% field("hold_minutes", "", 'inputmode="decimal"')
% field("extensions", "", 'inputmode="numeric"')
  <div class="entry"><label for="payment">{{say("event.payment")}}</label>
  <select id="payment" name="payment">
% for each in ("none", "door", "required"):
    <option value="{{each}}"{{!" selected" if form.fields.get("payment") == each else ""}}>{{say(f"event.payment.{each}")}}</option>
% end
  </select></div>
% field("payment_url", "event.payment-url-hint", 'inputmode="url" maxlength="500" spellcheck="false"')
% field("currency", "", 'maxlength="3" autocapitalize="characters" spellcheck="false"')
  <div class="entry check"><input type="checkbox" id="cancellable" name="cancellable"{{!" checked" if form.fields.get("cancellable") else ""}}> <label for="cancellable">{{say("event.cancellable")}}</label></div>
</fieldset>
% if new:
<fieldset>
  <legend>{{say("operators.types")}}</legend>
  <input type="hidden" name="rows" value="{{form.rows}}">
  <div class="rows">
%   for row in range(form.rows):
    <div class="row" role="group" aria-label="{{say("operators.type-row", number=row + 1)}}">
%     for part, attributes in (("type", 'maxlength="32" autocapitalize="off" spellcheck="false"'), ("label", 'maxlength="200"'), ("capacity", 'inputmode="numeric"'), ("price", 'inputmode="decimal"'), ("colour", 'maxlength="7" placeholder="#cc0000" spellcheck="false"')):
%       name = f"{part}-{row}"
      <div class="entry {{part}}"><label for="{{name}}">{{say(f"event.{part}")}}</label>
        <input id="{{name}}" name="{{name}}" value="{{form.fields.get(name, "")}}"{{!hints(name)}} {{!attributes}}>
%       told(name)
      </div>
%     end
    </div>
%   end
  </div>
  <button name="do" value="rows" class="more">{{say("operators.more-rows")}}</button>
</fieldset>
% end
<p class="answer"><button class="main" name="do" value="save">{{say("operators.make" if new else "operators.save")}}</button> <a class="button" href="{{"/operator/events" if new else action.removesuffix("/edit")}}">{{say("operators.no")}}</a></p>
% if new:
<details{{!" open" if "file" in form.faults else ""}}>
  <summary>{{say("operators.from-file")}}</summary>
  <div class="entry"><label for="file">{{say("event.file")}}</label>
  <textarea id="file" name="file" rows="10" spellcheck="false"{{!hints("file", True)}}>{{form.fields.get("file", "")}}</textarea>
  <p class="hint" id="file-hint">{{say("event.file-hint")}}</p>
%   told("file")
  </div>
  <p class="inline"><input type="file" id="pick" accept=".toml" hidden aria-label="{{say("event.pick")}}"> <button name="do" value="file">{{say("operators.fill-in")}}</button></p>
</details>
% end
</form>
